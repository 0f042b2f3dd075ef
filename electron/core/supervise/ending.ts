// Ending a service's process: the grace that orders give it, and the process that an unfinished stop left.
import type { ProcessTable } from '../platform/platform.ts'
import { endProcess, type OwnedProcess } from './child-process.ts'

export interface Ending {
  /** Whether the process is between its first SIGTERM and its end; it must not count as running again. */
  isDoomed(process: OwnedProcess): boolean
  /** Whether an end is being waited for, and so the present grace. */
  isUnderWay(): boolean
  /** The next end, or the one under way, gets a grace of its own, which has no end yet. */
  renewGrace(): void
  /** Ends the present grace in `ms` at the latest. */
  limitGrace(ms: number): NodeJS.Timeout
  /** SIGTERM, SIGKILL once the grace is over. Returns the pids that survive; empty: it has ended and was released. */
  end(process: OwnedProcess): Promise<readonly number[]>
}

export const createEnding = (processes: ProcessTable): Ending => {
  let graceOver = Promise.withResolvers<void>()
  let doomed: OwnedProcess | null = null
  let isUnderWay = false
  return {
    isDoomed: (process) => process === doomed,
    isUnderWay: () => isUnderWay,
    renewGrace: () => {
      graceOver = Promise.withResolvers<void>()
    },
    limitGrace: (ms) => setTimeout(graceOver.resolve, ms),
    end: async (process) => {
      doomed = process
      isUnderWay = true
      const outcome = await endProcess(process, graceOver.promise, processes).finally(() => {
        isUnderWay = false
      })
      if (outcome.kind === 'still-there') return outcome.pids
      process.release()
      doomed = null
      return []
    },
  }
}
