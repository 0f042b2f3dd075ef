// Whether a process that is not our child still lives: cheap looks, with a look at who it is now and then.

import { isErrno } from '../base/private-file.ts'
import type { ProcessIdentity, ProcessTable } from '../platform/platform.ts'

/**
 * Between two looks at the identity a pid could only pass to a stranger after the kernel had gone once through all its
 * numbers. Who it is is looked at again before every signal anyway.
 */
const identityLookMs = 5_000

/** Whether the pid still belongs to the process we knew: pids are reused, start times are not. Rejects when that cannot be told. */
export const isSameProcess = async (identity: ProcessIdentity, processes: ProcessTable): Promise<boolean> => {
  const current = await processes.readIdentity(identity.pid)
  return current !== null && current.startedAt === identity.startedAt
}

/**
 * Answers, each time it is called, whether the process lives. The caller has just seen its identity. kill(2) with signal
 * 0 costs a microsecond; the identity costs a run of `ps` on macOS (19 in 5 s for one adopted child, issue 11).
 * Rejects when the system does not tell.
 */
export const createLifeLook = (
  identity: ProcessIdentity,
  processes: ProcessTable,
): (() => Promise<boolean>) => {
  let identifiedAtMs = performance.now()
  return async () => {
    const isDue = performance.now() - identifiedAtMs >= identityLookMs
    // An end is confirmed: one look in a process's life costs nothing.
    if (lookForPid(identity.pid) === 'there' && !isDue) return true
    // Also a failed look counts: on a machine that swaps, `ps` is not started four times a second.
    identifiedAtMs = performance.now()
    return await isSameProcess(identity, processes)
  }
}

/**
 * `elsewhere`: another user's, so no longer the process that we knew; also a zombie is `there` (kill(2), XNU's kill()),
 * which only a look at the identity tells.
 * @param pid negative: the process group, of which a member is there
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
