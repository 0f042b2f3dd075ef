// Reads files and links of /proc, where anything may vanish between two calls.
import { readdir, readFile, readlink, stat } from 'node:fs/promises'
import { isErrno } from '../base/private-file.ts'

/**
 * null when the file is gone or may not be read. ESRCH is what /proc answers when the process ends between open and
 * read; EOPNOTSUPP is what /proc/pressure answers with psi=0; all of them mean "not known" to every caller here.
 */
export const readProcText = async (path: string): Promise<string | null> => {
  try {
    return await readFile(path, 'utf8')
  } catch {
    return null
  }
}

/**
 * Of one process; null when there is none such, or it is another user's that /proc hides (hidepid=1 answers EPERM: proc(5)).
 * Rejects when it cannot look (no file descriptor left, say): a living server must not be taken for dead.
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

/** The user a process runs as (its effective uid owns its /proc folder: proc(5)). */
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
