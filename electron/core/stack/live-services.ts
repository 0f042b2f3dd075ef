// Services of ours that live, whoever watches them.
import { supervisedIds } from '../../contract/service-ids.ts'
import type { ProcessTable } from '../platform/platform.ts'
import { identityOf, type LedgerEntry, openLedger } from '../supervise/ledger.ts'
import { isSameProcess } from '../supervise/life-look.ts'
import { type LedgerFolder, readLostServices } from './lost-services.ts'

/** As the ledger names them, by identity and never by pid alone; where it is damaged, as their command lines do. */
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
