// The folder that fetched models lie in: made for all who share it, with room for what is to come, and one fetch at a time.
import { chmodSync, chownSync, closeSync, fchmodSync, openSync, realpathSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { formatBytes } from '../base/format-bytes.ts'
import { isErrno } from '../base/private-file.ts'
import { makeFolders, statIfThere } from '../base/regular-file.ts'
import { type LockWait, withFileLock } from '../setup/setup-lock.ts'

/** `staff`, every user of a Mac: what lies below /Users/Shared would have the group `wheel` (mkdir(2) of BSD). */
const staffGid = 20

/** The other developer of a Mac may put models there too. Throws in words when it cannot be made. */
export const ensureModelsFolder = (dir: string, platform: NodeJS.Platform): void => {
  if (statIfThere(dir)?.isDirectory() === true) return
  try {
    makeFolders(dir)
  } catch (error) {
    if (isErrno(error, 'EACCES') || isErrno(error, 'EPERM') || isErrno(error, 'EROFS'))
      throw new Error(`${dir} cannot be made: make it yourself, or name another folder in NEXUS_MODELS`)
    throw error
  }
  if (platform !== 'darwin') return
  // Who isn't in the group keeps the folder for themselves.
  try {
    chownSync(dir, -1, staffGid)
    chmodSync(dir, 0o775)
  } catch (error) {
    if (!isErrno(error, 'EPERM')) throw error
  }
}

/** What is left free for everything else: macOS swaps to the same disk. */
const spareBytes = 2 * 1024 ** 3

/** statfs(2), linux/magic.h: what lies there is memory. */
const memoryFilesystems: readonly number[] = [0x01021994, 0x858458f6]

export interface RoomFacts {
  readonly dir: string
  readonly freeBytes: number
  /** Whether the folder lies on a RAM disk. */
  readonly isMemory: boolean
}

/** @param ramDiskMount where the Build Forge is mounted; null: not known, or nowhere */
export const readRoom = (dir: string, ramDiskMount: string | null): RoomFacts => {
  const { bavail, bsize, type } = statfsSync(dir)
  const path = realpathSync(dir)
  return {
    dir,
    freeBytes: bavail * bsize,
    isMemory:
      (process.platform === 'linux' && memoryFilesystems.includes(type)) ||
      (ramDiskMount !== null && `${path}/`.startsWith(`${ramDiskMount}/`)),
  }
}

/** Why so many bytes more are not to be written there; null: they may. */
export const judgeRoom = ({ dir, freeBytes, isMemory }: RoomFacts, neededBytes: number): string | null => {
  if (isMemory)
    return `${dir} lies on a RAM disk, where a model would take memory twice and be gone with the next reboot: name another folder in NEXUS_MODELS`
  const short = neededBytes + spareBytes - freeBytes
  return short <= 0
    ? null
    : `${formatBytes(neededBytes)} are to come, and ${dir} has ${formatBytes(freeBytes)} free, of which ${formatBytes(spareBytes)} stay so: make ${formatBytes(Math.max(short, 1024 ** 2))} of room and fetch again`
}

/** Holds the folder's lock during `work`: two cores of one Mac never write to one file. */
export const withModelsLock = async <T>(dir: string, wait: LockWait, work: () => Promise<T>): Promise<T> => {
  const path = join(dir, '.fetching.lock')
  // SQLite would make it with this user's umask, and then the other developer could not lock it.
  const fd = openSync(path, 'a', 0o664)
  try {
    fchmodSync(fd, 0o664)
  } catch (error) {
    if (!isErrno(error, 'EPERM')) throw error
  } finally {
    closeSync(fd)
  }
  return withFileLock(path, wait, work)
}
