// Files that only their owner can read, replaced atomically.
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
 * Writes `text` to `path` with mode 0600 so that a reader sees either the old text or the new one:
 * a temporary file in the same folder, fsync, rename (rename(2) is atomic within a file system).
 * `about: 'processes'` omits the fsync: it protects against a power failure, which no process survives, and each one blocks
 * the core for about 20 ms (measured).
 */
export const writePrivateFile = (
  path: string,
  text: string,
  { about = 'lasting' }: { readonly about?: 'lasting' | 'processes' } = {},
): void => {
  writeBeside(path, text, { about })
}

/**
 * Like `writePrivateFile`, but only if the file still contains `before` (null: no file), checked just before the rename.
 * Returns false and leaves the file alone otherwise.
 */
export const replacePrivateFile = (path: string, before: string | null, text: string): boolean =>
  writeBeside(path, text, { mayReplace: () => readFileOrNull(path) === before })

/** Returns whether the new text is in place. The temporary file has its mode before it has content. */
export const writeBeside = (
  path: string,
  text: string,
  {
    mode = 0o600,
    about = 'lasting',
    mayReplace = () => true,
  }: {
    readonly mode?: number
    readonly about?: 'lasting' | 'processes'
    readonly mayReplace?: () => boolean
  },
): boolean => {
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`
  const fd = openSync(temporary, 'wx', mode)
  try {
    try {
      // Restores the bits that the umask removed (open(2)).
      fchmodSync(fd, mode)
      // Not writeSync, which may write only a part and reports that only in its result (write(2)).
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
 * The final target of a link, even if it doesn't exist yet; `path` itself when it isn't a link. A rename onto the link would
 * replace the link itself and leave its target outdated.
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
    // Missing, or not a link (readlink(2)).
    if (isErrno(error, 'ENOENT', 'EINVAL')) return path
    throw error
  }
}

/** The file's text, or null when there is no such file. Throws on other failures, and when it isn't a regular file. */
export const readFileOrNull = (path: string): string | null => {
  try {
    return readRegularFile(path)
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return null
    throw error
  }
}

/** Whether `error` is a system error with one of these codes, such as ENOENT. */
export const isErrno = (error: unknown, ...codes: readonly string[]): boolean =>
  error instanceof Error && 'code' in error && codes.some((code) => error.code === code)
