// Whether a process that is not our child is still alive: cheap checks, with an identity check now and then.

import { isErrno } from '../base/private-file.ts'
import type { ProcessIdentity, ProcessTable } from '../platform/platform.ts'

/**
 * How long to trust kill(2) alone where reading the identity takes a run of `ps`. A pid is reused only after the kernel has
 * cycled through all of them, and we check the identity again before every signal.
 */
const identityLookMs = 5_000

/** Whether the pid still belongs to the same process: pids are reused, start times are not. Rejects when that is unknown. */
export const isSameProcess = async (identity: ProcessIdentity, processes: ProcessTable): Promise<boolean> => {
  const current = await processes.readIdentity(identity.pid)
  return current !== null && current.startedAt === identity.startedAt
}

/**
 * Assumes that the caller has just read the identity. kill(2) with signal 0 takes a microsecond; the identity takes a run of `ps`
 * on macOS (19 in 5 s for one adopted child, issue 11). On Linux it costs next to nothing, so each look reads it.
 */
export const createLifeLook = (identity: ProcessIdentity, processes: ProcessTable) => {
  let identifiedAtMs = performance.now()
  return {
    /** Rejects when the lookup fails. */
    isAlive: async (): Promise<boolean> => {
      const isDue = processes.identityCost === 'file' || performance.now() - identifiedAtMs >= identityLookMs
      // An apparent end is confirmed by identity: that happens once per process.
      if (!isDue && lookForPid(identity.pid) === 'there') return true
      // Set before the read, so that a failed one counts too: a machine that swaps shouldn't run `ps` four times a second.
      identifiedAtMs = performance.now()
      return await isSameProcess(identity, processes)
    },
    /** Call when the process does not answer: the next look reads the identity, because kill(2) reports a zombie as alive. */
    doubt: () => {
      identifiedAtMs = Number.NEGATIVE_INFINITY
    },
  }
}

/**
 * `elsewhere`: the pid belongs to another user, so it is no longer our process. A zombie is `there` too (kill(2), XNU's
 * kill()); only the identity shows that.
 * @param pid negative: a process group; `there` when it has a member
 */
export const lookForPid = (pid: number): 'gone' | 'there' | 'elsewhere' => {
  try {
    process.kill(pid, 0)
    return 'there'
  } catch (error) {
    if (isErrno(error, 'ESRCH')) return 'gone'
    if (isErrno(error, 'EPERM')) return 'elsewhere'
    throw error
  }
}
