// Opens the file that a child writes its output to: a file, so that the child outlives us (a pipe would end with us).
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
  // The mode of mkdir applies to a new folder only, and less the umask.
  if ((statSync(folder).mode & 0o777) !== privateFolder) chmodSync(folder, privateFolder)
}

/**
 * Returns a descriptor to hand to a child as stdout and stderr; the caller closes its own copy after the spawn.
 * O_APPEND is what makes rotation possible: after a truncation to 0 the child's next write lands at 0, not at its old
 * offset behind a hole (open(2)). The logs folder is made 0700 and the file 0600 even if they had other bits.
 * Throws when the path is a symbolic link or not a regular file: a child must not be made to write elsewhere.
 */
export const openLogForChild = (path: string): number => {
  ensurePrivateFolder(dirname(path))
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW
  // O_NONBLOCK only so that opening a FIFO fails at once instead of waiting for its reader; regular files ignore it.
  const fd = openSync(path, flags | constants.O_NONBLOCK, privateFile)
  try {
    if (!fstatSync(fd).isFile())
      throw new Error(`${path} is not a regular file, so nothing can be logged to it.`)
    fchmodSync(fd, privateFile)
    return fd
  } catch (error) {
    closeSync(fd)
    throw error
  }
}
