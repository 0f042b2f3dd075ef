// Services of ours that live, whoever watches them.
import { childIds } from '../contract.ts'
import { identityOf, type LedgerEntry, openLedger } from './ledger.ts'
import { isSameProcess } from './life-look.ts'
import type { ProcessTable } from './platform/platform.ts'

/** As the ledger names them: by identity, never by pid alone. */
export const readLiveServices = async (
  ledgerPath: string,
  processes: ProcessTable,
): Promise<readonly LedgerEntry[]> => {
  const ledger = openLedger(ledgerPath)
  const alive: LedgerEntry[] = []
  for (const id of childIds) {
    const entry = ledger.find(id)
    if (entry !== null && (await isSameProcess(identityOf(entry), processes))) alive.push(entry)
  }
  return alive
}
