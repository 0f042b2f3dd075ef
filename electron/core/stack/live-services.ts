// Our running services, supervised or not.
import { supervisedIds } from '../../contract/service-ids.ts'
import type { ProcessTable } from '../platform/platform.ts'
import { identityOf, type LedgerEntry, openLedger } from '../supervise/ledger.ts'
import { isSameProcess } from '../supervise/life-look.ts'
import { type LedgerFolder, readLostServices } from './lost-services.ts'

/** From the ledger, by identity and never by pid alone; if it is damaged, by their command lines. */
export const readLiveServices = async (
  folder: LedgerFolder,
  processes: ProcessTable,
): Promise<readonly LedgerEntry[]> => {
  const lost = await readLostServices(folder, processes)
  if (lost.length > 0) return lost
  const ledger = openLedger(folder.ledgerPath)
  const alive: LedgerEntry[] = []
  for (const id of supervisedIds) {
    const entry = ledger.find(id)
    if (entry !== null && (await isSameProcess(identityOf(entry), processes))) alive.push(entry)
  }
  return alive
}
