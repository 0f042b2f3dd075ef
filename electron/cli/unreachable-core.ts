// A core that runs and cannot be reached: its lock is held, and nothing listens on its socket.
import { dirname } from 'node:path'
import { watchFolder } from '../core/base/watch-folder.ts'
import type { StateFolder } from '../core/config/state-folder.ts'
import { attachToCore, type ControlClient } from '../core/control/client.ts'
import { isLockHeld, readLockOwner } from '../core/control/core-lock.ts'

/** A core listens after it has looked at what runs: a command that changes something waits for one that young. */
export const startingMs = 20_000
/** A core whose socket was deleted listens again within milliseconds, and one that ends lets go of its lock last. */
const graceMs = 2_000
const lookMs = 100

/**
 * null: no core of this user's runs. Throws, with its pid and what to do, when one runs that cannot be reached.
 * @param youngMs how long after its start a core may not listen yet, and is waited for
 */
export const attachToOwn = async (
  folder: Pick<StateFolder, 'socketPath' | 'lockPath'>,
  youngMs: number,
): Promise<ControlClient | null> => {
  const { socketPath, lockPath } = folder
  const now = Date.now()
  const client = await attachToCore(socketPath)
  if (client !== null || !isHeld(lockPath)) return client
  const until = Math.max(now + graceMs, (readLockOwner(lockPath)?.since ?? now) + youngMs)
  let onChange = () => {}
  const unwatch = watchFolder(dirname(socketPath), () => onChange())
  try {
    // A clock that was set back must not make this wait for longer.
    for (const end = now + Math.min(until - now, Math.max(youngMs, graceMs)); Date.now() < end; ) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, lookMs)
        onChange = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      const late = await attachToCore(socketPath)
      if (late !== null) return late
      if (!isHeld(lockPath)) return null
    }
  } finally {
    unwatch()
  }
  throw new Error(describeUnreachable(folder))
}

/** Who has the lock is what matters: a lock that cannot be looked at is said by the one who takes it. */
export const isHeld = (lockPath: string): boolean => {
  try {
    return isLockHeld(lockPath)
  } catch {
    return false
  }
}

export const describeUnreachable = ({
  socketPath,
  lockPath,
}: Pick<StateFolder, 'socketPath' | 'lockPath'>): string => {
  const owner = readLockOwner(lockPath)
  const lead = `a core runs${owner === null ? '' : ` (pid ${owner.pid})`}, but nothing listens on ${socketPath}`
  const after = 'its services run on, and nexus up then takes them over'
  if (owner === null) return `${lead}: end that process (nexus serve, or the app); ${after}`
  return `${lead}: kill ${owner.pid} ends it alone (kill -9 ${owner.pid} if it does not); ${after}`
}
