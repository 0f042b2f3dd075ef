// What exists at a mount point in the file system, as opposed to what the mount table says is mounted there.
import { lstat, mkdir, readdir, readlink, realpath, rmdir, statfs } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { RamDisk } from '../../contract/snapshot.ts'
import { isErrno } from '../base/private-file.ts'

export type MountPointState =
  | { readonly kind: 'missing' }
  | { readonly kind: 'empty-folder' }
  | { readonly kind: 'filled-folder'; readonly example: string }
  | { readonly kind: 'symlink'; readonly target: string }
  | { readonly kind: 'file' }

export const readMountPointState = async (path: string): Promise<MountPointState> => {
  const stats = await lstatOrNull(path)
  if (stats === null) return { kind: 'missing' }
  if (stats.isSymbolicLink()) return { kind: 'symlink', target: await readlink(path) }
  if (!stats.isDirectory()) return { kind: 'file' }
  const example = (await readdir(path))[0]
  return example === undefined ? { kind: 'empty-folder' } : { kind: 'filled-folder', example }
}

/**
 * The mount table lists paths without symbolic links or trailing slash, and paths can be compared only in that form. Keeps
 * the last part, because a link at the mount point itself has a meaning (see linux-shm-folder).
 */
export const canonicalMountPoint = async (path: string): Promise<string> => {
  const full = resolve(path)
  try {
    return join(await realpath(dirname(full)), basename(full))
  } catch {
    // The parent does not exist yet, so nothing is mounted below it either.
    return full
  }
}

/** Creates the folder. Returns an undo that removes it if it did not exist before. */
export const ensureMountFolder = async (path: string): Promise<() => Promise<void>> => {
  await mkdir(dirname(path), { recursive: true })
  const created = await createFolder(path)
  return async () => {
    if (created) await removeEmptyFolder(path)
  }
}

const createFolder = async (path: string): Promise<boolean> => {
  try {
    await mkdir(path)
    return true
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false
    throw error
  }
}

/** A folder left at the mount point would silently take builds onto the disk. Keeps one with content. */
export const removeEmptyFolder = async (path: string): Promise<void> => {
  try {
    await rmdir(path)
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENOTEMPTY', 'EEXIST', 'ENOTDIR', 'EACCES', 'EPERM')) throw error
  }
}

/** Why a mount point can't be used as it is; null when it can. */
export const explainObstacle = (path: string, state: MountPointState): string | null => {
  switch (state.kind) {
    case 'missing':
    case 'empty-folder':
      return null
    case 'filled-folder':
      return (
        `${path} is a plain folder with files in it (${state.example}), not a RAM disk: builds would silently go ` +
        `to the disk. Move its content away or choose another mount point`
      )
    case 'symlink':
      return `${path} is a symbolic link to ${state.target}, not a mount point: builds would silently go there`
    case 'file':
      return `${path} is a file, not a folder: nothing can be mounted on it`
  }
}

export const lstatOrNull = async (path: string) => {
  try {
    return await lstat(path)
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return null
    throw error
  }
}

/**
 * Space in use as the file system counts it; null when it is ejected meanwhile. A macOS RAM disk may hold more memory: blocks of
 * deleted files are freed only on detach. For a folder under /dev/shm these are the figures of the whole /dev/shm: that is its
 * limit, and measuring a build tree of 100,000 files every second would cost too much.
 */
export const readVolumeUse = async (path: string): Promise<Pick<RamDisk, 'totalBytes' | 'usedBytes'>> => {
  try {
    const { bsize, blocks, bfree } = await statfs(path)
    return { totalBytes: blocks * bsize, usedBytes: (blocks - bfree) * bsize }
  } catch {
    return { totalBytes: null, usedBytes: null }
  }
}

export const describeMiB = (bytes: number): string => `${Math.floor(bytes / 2 ** 20)} MiB`
