// The one way to read a file that a person names: a pipe would be waited for, a device be read without end or replaced.
import { closeSync, constants, fstatSync, mkdirSync, openSync, readSync, type Stats, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** Settings, keys and profiles are a few KB, and an agents' file some more. */
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
 * Its text. Links are followed. Throws in words when it is no regular file or longer than `maxBytes`, and the system's
 * error (ENOENT, EACCES) when it cannot be opened.
 */
export const readRegularFile = (path: string, maxBytes: number = mostBytes): string => {
  // Before it is opened too: opening a device may do something (open(2), a tape rewinds).
  refuseUnlessRegular(path, statSync(path))
  // Another file may have taken its place since: without O_NONBLOCK a pipe would wait for a writer for ever.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const stats = fstatSync(fd)
    refuseUnlessRegular(path, stats)
    return readAll(fd, path, maxBytes)
  } finally {
    closeSync(fd)
  }
}

/** For SQLite, which would wait for a pipe's writer for ever. Throws in words when something else than a regular file is there. */
export const requireRegularIfThere = (path: string): void => {
  const stats = statIfThere(path)
  if (stats !== null) refuseUnlessRegular(path, stats)
}

const blockBytes = 65_536

/** Not by the file's size: files under /proc say 0. */
const readAll = (fd: number, path: string, maxBytes: number): string => {
  const pieces: Buffer[] = []
  let bytes = 0
  for (;;) {
    const block = Buffer.allocUnsafe(blockBytes)
    // All five arguments: with two, Node 12 of the tests' old Electron reads nothing.
    const count = readSync(fd, block, 0, block.length, null)
    if (count === 0) return Buffer.concat(pieces).toString('utf8')
    bytes += count
    if (bytes > maxBytes) throw new Error(`${path} is longer than ${maxBytes} bytes`)
    pieces.push(block.subarray(0, count))
  }
}

/**
 * null when there is no such file. Not by `throwIfNoEntry`, which Node 12 of the tests' old Electron doesn't know.
 * @param read statSync, or lstatSync for what a link itself is
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

/**
 * Makes the folder and those above it, as `mkdir -p`. Not Node's own `recursive`, which never returns below /proc, where a
 * folder that is there answers ENOENT to who wants to make one in it (seen with Node 24).
 * @param mode of those that are made
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
    // Another process may have made it just now.
    if (statIfThere(dir)?.isDirectory() === true) return
    throw error
  }
}
