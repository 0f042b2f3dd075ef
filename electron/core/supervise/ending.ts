// Ending a service's process: the grace that orders give it, and the process that an unfinished stop left.
import type { ProcessTable } from '../platform/platform.ts'
import { endProcess, type OwnedProcess } from './child-process.ts'

export type Ending = ReturnType<typeof createEnding>

export const createEnding = (processes: ProcessTable) => {
  let graceOver = Promise.withResolvers<void>()
  let doomed: OwnedProcess | null = null
  let isUnderWay = false
  return {
    /** Whether the process is between its first SIGTERM and its end; it must not count as running again. */
    isDoomed: (process: OwnedProcess) => process === doomed,
    /** Whether an end is being waited for, and so the present grace. */
    isUnderWay: () => isUnderWay,
    /** The next end, or the one under way, gets a grace of its own, which has no end yet. */
    renewGrace: () => {
      graceOver = Promise.withResolvers<void>()
    },
    /** Ends the present grace in `ms` at the latest. */
    limitGrace: (ms: number) => setTimeout(graceOver.resolve, ms),
    /** SIGTERM, SIGKILL once the grace is over. Returns the pids that survive; empty: it has ended. */
    end: (process: OwnedProcess): Promise<readonly number[]> => {
      doomed = process
      isUnderWay = true
      return endProcess(process, graceOver.promise, processes).finally(() => {
        isUnderWay = false
      })
    },
  }
}
