// Reads files and links in /proc, where anything may vanish between two calls.
import { readdir, readFile, readlink, stat } from 'node:fs/promises'
import { isErrno } from '../base/private-file.ts'

/**
 * null when it is gone or unreadable. /proc answers ESRCH when the process ends between open and read, and /proc/pressure
 * answers EOPNOTSUPP with psi=0; to every caller of these readers all of them mean "unknown".
 */
const orNull = <T>(reading: Promise<T>): Promise<T | null> => reading.catch(() => null)

export const readProcText = (path: string) => orNull(readFile(path, 'utf8'))
export const readProcLink = (path: string) => orNull(readlink(path))
export const readProcNames = (path: string) => orNull(readdir(path))
/** The user of a process: its effective uid owns its /proc folder (proc(5)). */
export const readProcUid = (pid: number) => orNull(stat(`/proc/${pid}`).then(({ uid }) => uid))

/**
 * A file of one process; null when the process is gone, or /proc hides it because it is another user's (hidepid=1 answers EPERM:
 * proc(5)). Rejects when the lookup itself fails (no file descriptor left, say): a running server must not look dead.
 */
export const readProcessText = async (path: string): Promise<string | null> => {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH', 'EPERM', 'EACCES')) return null
    throw error
  }
}

export const readPids = async (): Promise<readonly number[]> => {
  const names = (await readProcNames('/proc')) ?? []
  return names.filter((name) => /^[0-9]+$/.test(name)).map(Number)
}
