// The folder for fetched models: shared by its users, checked for free space, and locked to one fetch at a time.
import { chmodSync, chownSync, closeSync, fchmodSync, openSync, realpathSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { formatBytes } from '../base/format-bytes.ts'
import { isErrno } from '../base/private-file.ts'
import { makeFolders, statIfThere } from '../base/regular-file.ts'
import { type LockWait, withFileLock } from '../setup/setup-lock.ts'

/** `staff`, every user of a Mac: files below /Users/Shared would get the group `wheel` (mkdir(2) of BSD). */
const staffGid = 20

/** The other developer of a Mac can add models too. Throws a readable Error when the folder can't be created. */
export const ensureModelsFolder = (dir: string, platform: NodeJS.Platform): void => {
  if (statIfThere(dir)?.isDirectory() === true) return
  try {
    makeFolders(dir)
  } catch (error) {
    if (isErrno(error, 'EACCES') || isErrno(error, 'EPERM') || isErrno(error, 'EROFS'))
      throw new Error(`${dir} cannot be created: create it yourself, or set NEXUS_MODELS to another folder`)
    throw error
  }
  if (platform !== 'darwin') return
  // A user outside the group keeps the folder to themselves.
  try {
    chownSync(dir, -1, staffGid)
    chmodSync(dir, 0o775)
  } catch (error) {
    if (!isErrno(error, 'EPERM')) throw error
  }
}

/** Kept free for everything else: macOS swaps to the same disk. */
const spareBytes = 2 * 1024 ** 3

/** tmpfs and ramfs (statfs(2), linux/magic.h). */
const memoryFilesystems: readonly number[] = [0x01021994, 0x858458f6]

export type RoomFacts = Readonly<ReturnType<typeof readRoom>>

/** @param ramDiskMount where the Build Forge is mounted; null: not mounted or unknown */
export const readRoom = (dir: string, ramDiskMount: string | null) => {
  const { bavail, bsize, type } = statfsSync(dir)
  const path = realpathSync(dir)
  return {
    dir,
    freeBytes: bavail * bsize,
    /** Whether the folder is on a RAM disk. */
    isMemory:
      (process.platform === 'linux' && memoryFilesystems.includes(type)) ||
      (ramDiskMount !== null && `${path}/`.startsWith(`${ramDiskMount}/`)),
  }
}

/** Why this many bytes can't be written there; null: they can. */
export const judgeRoom = ({ dir, freeBytes, isMemory }: RoomFacts, neededBytes: number): string | null => {
  if (isMemory)
    return `${dir} is on a RAM disk, where a model would take memory twice and be lost in the next reboot: set NEXUS_MODELS to another folder`
  const short = neededBytes + spareBytes - freeBytes
  return short <= 0
    ? null
    : `the download needs ${formatBytes(neededBytes)}, but ${dir} has ${formatBytes(freeBytes)} free, of which ${formatBytes(spareBytes)} must stay free: free ${formatBytes(Math.max(short, 1024 ** 2))} more and fetch again`
}

/** Holds the folder's lock during `work`: two cores of one Mac never write to one file. */
export const withModelsLock = async <T>(dir: string, wait: LockWait, work: () => Promise<T>): Promise<T> => {
  const path = join(dir, '.fetching.lock')
  // SQLite would create it with this user's umask, and then the other developer could not lock it.
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
