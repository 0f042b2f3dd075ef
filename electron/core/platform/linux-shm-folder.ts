// The RAM disk if mounting is not allowed: our folder under /dev/shm, with a link to it at the mount point.
import { createHash } from 'node:crypto'
import { chmod, lstat, mkdir, rm, rmdir, statfs, symlink, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { findMountAt, readMountTable } from './linux-mount-table.ts'
import {
  describeMiB,
  ensureMountFolder,
  lstatOrNull,
  readMountPointState,
  removeEmptyFolder,
} from './mount-point.ts'
import type { MountOutcome } from './platform.ts'

/**
 * The folder's name includes a mark of the mount point: two state folders of one user may have volumes of the same name,
 * and ejecting one must not empty the other.
 */
export const createShmFolder = (volumeName: string, mountPoint: string, shmRoot: string) => {
  const uid = process.getuid?.() ?? 0
  const mark = createHash('sha256').update(mountPoint).digest('hex').slice(0, 8)
  const path = join(shmRoot, `opta-nexus-${uid}`, `${volumeName}-${mark}`)
  /** True when the link is ours, even if the folder is gone (a reboot empties /dev/shm). */
  const ownsLink = async () => {
    const state = await readMountPointState(mountPoint)
    return state.kind === 'symlink' && state.target === path
  }
  return {
    path,
    ownsLink,
    /** True when the link at the mount point leads to our folder, which exists and belongs to us. */
    isLinked: async () => (await ownsLink()) && (await isOwnFolder(path, uid)),
    async link(sizeBytes: number, why: string): Promise<MountOutcome> {
      const refusal = await explainUnusable(shmRoot, path, uid)
      if (refusal !== null) return { kind: 'failed', reason: refusal }
      await mkdir(path, { recursive: true, mode: 0o700 })
      const already = await ownsLink()
      if (!already) await replaceByLink(mountPoint, path)
      return { kind: 'mounted', already: false, note: await describe(path, shmRoot, sizeBytes, why) }
    },
    async remove(): Promise<void> {
      // Open files stay in memory until their holders close them: unlinking does not free them.
      await rm(path, { recursive: true, force: true })
      if (await ownsLink()) await unlink(mountPoint)
      await removeEmptyFolder(dirname(path))
    },
  }
}

/**
 * Every user may create names in /dev/shm (mode 1777). Another user's folder or link with our name would let that user read or
 * replace builds, so we use only a real folder of our own uid.
 */
const isOwnFolder = async (path: string, uid: number): Promise<boolean> => {
  for (const folder of [dirname(path), path]) {
    const stats = await lstatOrNull(folder)
    if (stats === null || !stats.isDirectory() || stats.uid !== uid) return false
  }
  return true
}

const explainUnusable = async (shmRoot: string, path: string, uid: number): Promise<string | null> => {
  const mount = findMountAt(await readMountTable(), shmRoot)
  if (mount?.filesystem !== 'tmpfs') {
    return `mounting is not allowed here and ${shmRoot} is not a tmpfs, so there is no memory-backed folder to use`
  }
  const parent = dirname(path)
  for (const folder of [parent, path]) {
    const stats = await lstatOrNull(folder)
    if (stats === null) continue
    if (!stats.isDirectory() || stats.uid !== uid) {
      return `${folder} is not a folder of this user (uid ${uid}): another user put it there, so it is not used`
    }
  }
  if ((await lstatOrNull(parent)) === null) await mkdir(parent, { mode: 0o700 })
  if (((await lstat(parent)).mode & 0o077) !== 0) await chmod(parent, 0o700)
  return null
}

const replaceByLink = async (mountPoint: string, path: string): Promise<void> => {
  await ensureMountFolder(mountPoint)
  await rmdir(mountPoint)
  await symlink(path, mountPoint)
}

const describe = async (path: string, shmRoot: string, sizeBytes: number, why: string): Promise<string> => {
  const { bsize, blocks, bavail } = await statfs(shmRoot)
  const room =
    bavail * bsize < sizeBytes
      ? `; only ${describeMiB(bavail * bsize)} of its ${describeMiB(blocks * bsize)} are free, less than the ${describeMiB(sizeBytes)} wanted`
      : ''
  return `${why}: using the folder ${path} instead, whose size is not enforced${room}`
}
