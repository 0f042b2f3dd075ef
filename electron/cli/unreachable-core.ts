// A running core that can't be reached: its lock is held, but nothing listens on its socket.
import { dirname } from 'node:path'
import { watchFolder } from '../core/base/watch-folder.ts'
import type { StateFolder } from '../core/config/state-folder.ts'
import { attachToCore, type ControlClient } from '../core/control/client.ts'
import { isLockHeld, readLockOwner } from '../core/control/core-lock.ts'

/** A core listens only after it has checked what runs; commands that change something wait this long for a young core. */
export const startingMs = 20_000
/** A core whose socket was deleted listens again within milliseconds; an ending core releases its lock last. */
const graceMs = 2_000
const lookMs = 100

/**
 * null: this user has no running core. Throws, with its pid and what to do, when it runs but can't be reached.
 * @param youngMs how long after its start a core may take to listen
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
    // A clock set back must not prolong the wait.
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

/** An unreadable lock counts as free here: taking it reports the error. */
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
  const after = 'its services keep running, and nexus up takes them over'
  if (owner === null) return `${lead}: quit that process (nexus serve, or the app); ${after}`
  return `${lead}: kill ${owner.pid} ends it alone (kill -9 ${owner.pid} if it does not); ${after}`
}
