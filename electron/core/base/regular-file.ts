// Reads files that a user names, and refuses pipes (which would block) and devices (which may never end, or be replaced).
import {
  accessSync,
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  type Stats,
  statSync,
} from 'node:fs'
import { dirname } from 'node:path'

/** Settings, keys and profiles are a few KB; an agents' file is a bit larger. */
const mostBytes = 16 * 1024 * 1024

const describeKind = (stats: Stats): string => {
  if (stats.isDirectory()) return 'a folder'
  if (stats.isFIFO()) return 'a named pipe'
  if (stats.isSocket()) return 'a socket'
  return 'a device'
}

const refuseUnlessRegular = (path: string, stats: Stats): void => {
  if (!stats.isFile()) throw new Error(`${path} is ${describeKind(stats)}; allowed: a regular file`)
}

/**
 * The file's text; follows links. Throws a readable Error when it isn't a regular file or is longer than `maxBytes`, and the
 * system's error (ENOENT, EACCES) when it can't be opened.
 */
export const readRegularFile = (path: string, maxBytes: number = mostBytes): string => {
  // Also check before opening: opening a device may have side effects (open(2), a tape rewinds).
  refuseUnlessRegular(path, statSync(path))
  // It may have been replaced since: without O_NONBLOCK a pipe would wait for a writer forever.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const stats = fstatSync(fd)
    refuseUnlessRegular(path, stats)
    return readAll(fd, path, maxBytes)
  } finally {
    closeSync(fd)
  }
}

/** For SQLite, which would wait for a pipe's writer forever. Throws a readable Error when the path exists but isn't a regular file. */
export const requireRegularIfThere = (path: string): void => {
  const stats = statIfThere(path)
  if (stats !== null) refuseUnlessRegular(path, stats)
}

const blockBytes = 65_536

/** Doesn't rely on the file's size: files under /proc report 0. */
const readAll = (fd: number, path: string, maxBytes: number): string => {
  const pieces: Buffer[] = []
  let bytes = 0
  for (;;) {
    const block = Buffer.allocUnsafe(blockBytes)
    // All five arguments: with two, Node 12 in the tests' old Electron reads nothing.
    const count = readSync(fd, block, 0, block.length, null)
    if (count === 0) return Buffer.concat(pieces).toString('utf8')
    bytes += count
    if (bytes > maxBytes) throw new Error(`${path} is longer than ${maxBytes} bytes`)
    pieces.push(block.subarray(0, count))
  }
}

/**
 * null when there is no such file. Without `throwIfNoEntry`, which Node 12 in the tests' old Electron doesn't support.
 * @param read statSync, or lstatSync for a link itself
 */
export const statIfThere = (path: string, read: (path: string) => Stats = statSync): Stats | null => {
  try {
    return read(path)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    throw error
  }
}

/** Whether this user may do that with it. @param wanted such as constants.X_OK; false: there is no such file, too */
export const mayAccess = (path: string, wanted: number): boolean => {
  try {
    accessSync(path, wanted)
    return true
  } catch {
    return false
  }
}

/** A missing folder, or one that this user can't list, has none. */
export const listNames = (folder: string): readonly string[] => {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/**
 * Like `mkdir -p`. Not Node's own `recursive`, which never returns below /proc, where mkdir in an existing folder fails with
 * ENOENT (seen with Node 24).
 * @param mode of new folders
 */
export const makeFolders = (dir: string, mode = 0o777): void => {
  const stats = statIfThere(dir)
  if (stats?.isDirectory() === true) return
  if (stats !== null)
    throw new Error(`${dir} is ${stats.isFile() ? 'a file' : describeKind(stats)}; allowed: a folder`)
  const parent = dirname(dir)
  if (parent !== dir) makeFolders(parent, mode)
  try {
    mkdirSync(dir, { mode })
  } catch (error) {
    // Another process may have created it just now.
    if (statIfThere(dir)?.isDirectory() === true) return
    throw error
  }
}
