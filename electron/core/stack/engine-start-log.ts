// What a llama-server logged about its start: what it allocated, and whether its drafts failed.
import type { StateFolder } from '../config/state-folder.ts'
import { findSpeculationFailure } from '../engine/speculation.ts'
import { readLogSince } from '../logs/log-follow.ts'
import {
  type Allocations,
  parseAllocations,
  readAllocations,
  writeAllocations,
} from '../memory/allocations.ts'
import { type LedgerEntry, nameProcess } from '../supervise/ledger.ts'

/** A start logs 200 to 900 lines at this level; we don't search days of an adopted server's log for it. */
const startLogLines = 5_000

export const createEngineStartLog = (
  folder: Pick<StateFolder, 'logPath' | 'allocationsPath'>,
  onFound: () => void,
) => {
  /** The llama-server read last, and what was found. */
  let engine: string | null = null
  let facts: { readonly allocations: Allocations | null; readonly speculationFailure: string | null } | null =
    null
  return {
    /** Call as soon as it serves: then its log holds only its start. Reads once per llama-server. */
    read: async (entry: LedgerEntry): Promise<void> => {
      const name = nameProcess(entry)
      if (name === engine) return
      engine = name
      facts = null
      const known = readAllocations(folder.allocationsPath, name)
      const lines = await readLogSince(folder.logPath('llamaServer'), entry.logMark, startLogLines)
      if (name !== engine) return
      const allocations = known ?? parseAllocations(lines)
      facts = { allocations, speculationFailure: findSpeculationFailure(lines) }
      if (known === null && allocations !== null) writeAllocations(folder.allocationsPath, name, allocations)
      if (allocations !== null || facts.speculationFailure !== null) onFound()
    },
    /** null until read; allocations that it did not log are null, and a failure of its drafts that it did not report. */
    factsOf: (entry: LedgerEntry) => (nameProcess(entry) === engine ? facts : null),
  }
}
