// What a llama-server logged about its start: what it allocated, and whether its drafts failed.
import type { StateFolder } from '../config/state-folder.ts'
import { findSpeculationFailure } from '../engine/speculation.ts'
import { readLogSince } from '../logs/log-tail-events.ts'
import { readAllocations, writeAllocations } from '../memory/allocation-record.ts'
import { type Allocations, parseAllocations } from '../memory/allocations.ts'
import { type LedgerEntry, nameProcess } from '../supervise/ledger.ts'

interface StartFacts {
  /** null when it did not log them. */
  readonly allocations: Allocations | null
  /** Its own words; null when it said nothing of a failure. */
  readonly speculationFailure: string | null
}

export interface EngineStartLog {
  /** Call as soon as it serves: then its log holds only its start. Reads once per llama-server. */
  read(engine: LedgerEntry): Promise<void>
  /** null until read. */
  of(engine: LedgerEntry): StartFacts | null
}

/** A start logs 200 to 900 lines at this level; we don't search days of an adopted server's log for it. */
const startLogLines = 5_000

export const createEngineStartLog = (
  folder: Pick<StateFolder, 'logPath' | 'allocationsPath'>,
  onFound: () => void,
): EngineStartLog => {
  /** The llama-server read last, and what was found. */
  let engine: string | null = null
  let facts: StartFacts | null = null
  return {
    read: async (entry) => {
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
    of: (entry) => (nameProcess(entry) === engine ? facts : null),
  }
}
