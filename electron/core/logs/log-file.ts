// Opens the file for a child's output: a file, because a pipe would end with us while the child lives on.
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  mkdirSync,
  openSync,
  statSync,
} from 'node:fs'
import { dirname } from 'node:path'

const privateFile = 0o600
const privateFolder = 0o700

const ensurePrivateFolder = (folder: string): void => {
  mkdirSync(folder, { recursive: true, mode: privateFolder })
  // mkdir's mode applies only to a new folder, and minus the umask.
  if ((statSync(folder).mode & 0o777) !== privateFolder) chmodSync(folder, privateFolder)
}

/**
 * Returns a descriptor for a child's stdout and stderr; the caller closes its own copy after the spawn.
 * O_APPEND makes rotation possible: after a truncation to 0 the child's next write lands at 0, not at its old offset
 * behind a hole (open(2)). Sets the logs folder to 0700 and the file to 0600, whatever they were before.
 * Throws when the path is a symbolic link or not a regular file: a child must not be tricked into writing elsewhere.
 */
export const openLogForChild = (path: string): number => {
  ensurePrivateFolder(dirname(path))
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW
  // O_NONBLOCK so that opening a FIFO fails at once instead of waiting for its reader; regular files ignore it.
  const fd = openSync(path, flags | constants.O_NONBLOCK, privateFile)
  try {
    if (!fstatSync(fd).isFile())
      throw new Error(`${path} is not a regular file, so it cannot be used as a log.`)
    fchmodSync(fd, privateFile)
    return fd
  } catch (error) {
    closeSync(fd)
    throw error
  }
}
