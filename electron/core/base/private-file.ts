// Files that only their owner may read, replaced whole or not at all.
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  fchmodSync,
  fsyncSync,
  openSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, resolve } from 'node:path'
import { readRegularFile } from './regular-file.ts'

/**
 * Writes `text` to `path` with mode 0600 so that a reader sees the old text or the new one, never half of either:
 * a temporary file beside it, fsync, rename (rename(2) is atomic within a file system).
 * `about: 'processes'` leaves the fsync out: no process outlives the power failure that it is there for, and each one
 * holds up the core for some 20 ms (measured).
 */
export const writePrivateFile = (
  path: string,
  text: string,
  { about = 'lasting' }: { readonly about?: 'lasting' | 'processes' } = {},
): void => {
  writeBeside(path, text, { about, mayReplace: () => true })
}

/**
 * As `writePrivateFile`, if the file still says what `text` was made from (null: there was none). false: it does not any
 * more, and is left alone. It is looked at last of all, when only the rename is left to do.
 */
export const replacePrivateFile = (path: string, before: string | null, text: string): boolean =>
  writeBeside(path, text, { about: 'lasting', mayReplace: () => readFileOrNull(path) === before })

const writeBeside = (
  path: string,
  text: string,
  { about, mayReplace }: { readonly about: 'lasting' | 'processes'; readonly mayReplace: () => boolean },
): boolean => {
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`
  const fd = openSync(temporary, 'wx', 0o600)
  try {
    try {
      fchmodSync(fd, 0o600)
      // Not writeSync: that one may write a part, and says so only in its answer (write(2)).
      writeFileSync(fd, text)
      if (about === 'lasting') fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    const replaces = mayReplace()
    if (replaces) renameSync(temporary, path)
    else rmSync(temporary, { force: true })
    return replaces
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}

/**
 * The file that a link names, however many links stand in between, also one that is not there yet; `path` itself where it
 * is no link. A rename onto the link would put a plain file in its place, and the file that it named would be forgotten.
 */
export const followLink = (path: string): string => {
  try {
    return realpathSync(path)
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
  }
  try {
    return followLink(resolve(dirname(path), readlinkSync(path)))
  } catch (error) {
    // Not there, or no link (readlink(2)).
    if (isErrno(error, 'ENOENT') || isErrno(error, 'EINVAL')) return path
    throw error
  }
}

/** The file's text, or null when there is no such file. Other failures throw, also where it is no regular file. */
export const readFileOrNull = (path: string): string | null => {
  try {
    return readRegularFile(path)
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return null
    throw error
  }
}

/** Whether `error` is a system error with this code, such as ENOENT. */
export const isErrno = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code
