// Whether a process that is not our child still lives: cheap looks, with a look at who it is now and then.

import { isErrno } from '../base/private-file.ts'
import type { ProcessIdentity, ProcessTable } from '../platform/platform.ts'

/**
 * How long kill(2) alone is believed where the identity costs a run of `ps`. A pid passes to a stranger only after the kernel has
 * gone once through all its numbers, and the identity is read again before every signal.
 */
const identityLookMs = 5_000

/** Whether the pid still belongs to the process we knew: pids are reused, start times are not. Rejects when that cannot be told. */
export const isSameProcess = async (identity: ProcessIdentity, processes: ProcessTable): Promise<boolean> => {
  const current = await processes.readIdentity(identity.pid)
  return current !== null && current.startedAt === identity.startedAt
}

export interface LifeLook {
  /** Whether the process lives. Rejects when the system does not tell. */
  isAlive(): Promise<boolean>
  /** The next look reads the identity: the process did not answer, and kill(2) takes a zombie for alive. */
  doubt(): void
}

/**
 * The caller has just seen the identity. kill(2) with signal 0 costs a microsecond; the identity costs a run of `ps` on macOS
 * (19 in 5 s for one adopted child, issue 11), and next to nothing on Linux, where each look reads it.
 */
export const createLifeLook = (identity: ProcessIdentity, processes: ProcessTable): LifeLook => {
  let identifiedAtMs = performance.now()
  return {
    isAlive: async () => {
      const isDue = processes.identityCost === 'file' || performance.now() - identifiedAtMs >= identityLookMs
      // An end is confirmed: one look in a process's life costs nothing.
      if (!isDue && lookForPid(identity.pid) === 'there') return true
      // A failed look counts too: on a machine that swaps, `ps` is not started four times a second.
      identifiedAtMs = performance.now()
      return await isSameProcess(identity, processes)
    },
    doubt: () => {
      identifiedAtMs = Number.NEGATIVE_INFINITY
    },
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
