// Reads files and links in /proc, where anything may vanish between two calls.
import { readdir, readFile, readlink, stat } from 'node:fs/promises'
import { isErrno } from '../base/private-file.ts'

/**
 * null when the file is gone or unreadable. /proc answers ESRCH when the process ends between open and read, and
 * /proc/pressure answers EOPNOTSUPP with psi=0; to every caller here all of them mean "unknown".
 */
export const readProcText = async (path: string): Promise<string | null> => {
  try {
    return await readFile(path, 'utf8')
  } catch {
    return null
  }
}

/**
 * A file of one process; null when the process is gone, or /proc hides it because it is another user's (hidepid=1 answers EPERM:
 * proc(5)). Rejects when the lookup itself fails (no file descriptor left, say): a running server must not look dead.
 */
export const readProcessText = async (path: string): Promise<string | null> => {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (absent.some((code) => isErrno(error, code))) return null
    throw error
  }
}

const absent = ['ENOENT', 'ESRCH', 'EPERM', 'EACCES'] as const

export const readProcLink = async (path: string): Promise<string | null> => {
  try {
    return await readlink(path)
  } catch {
    return null
  }
}

export const readProcNames = async (path: string): Promise<readonly string[] | null> => {
  try {
    return await readdir(path)
  } catch {
    return null
  }
}

/** The user of a process: its effective uid owns its /proc folder (proc(5)). */
export const readProcUid = async (pid: number): Promise<number | null> => {
  try {
    return (await stat(`/proc/${pid}`)).uid
  } catch {
    return null
  }
}

export const readPids = async (): Promise<readonly number[]> => {
  const names = (await readProcNames('/proc')) ?? []
  return names.filter((name) => /^[0-9]+$/.test(name)).map(Number)
}
