// Reads files and links in /proc, where anything may vanish between two calls, and the mount table of this process's namespace.
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

export type MountEntry = Readonly<ReturnType<typeof parseMountInfo>[number]>

/** Blanks, tabs, line ends and backslashes are written as three octal digits (proc_pid_mountinfo(5)). */
export const decodeOctalEscapes = (text: string): string =>
  text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))

/** In mount order, so the last entry of a mount point is on top. Skips unknown lines. */
export const parseMountInfo = (text: string) =>
  text.split('\n').flatMap((line) => {
    const fields = line.split(' ')
    // Optional fields (shared:N, master:N ...) end at a lone dash; the fields after it have fixed positions.
    const dash = fields.indexOf('-', 6)
    const mountPoint = fields[4]
    const filesystem = fields[dash + 1]
    const source = fields[dash + 2]
    if (dash === -1 || mountPoint === undefined || filesystem === undefined || source === undefined) return []
    return [{ mountPoint: decodeOctalEscapes(mountPoint), filesystem, source: decodeOctalEscapes(source) }]
  })

export const readMountTable = async (): Promise<readonly MountEntry[]> => {
  const text = await readProcText('/proc/self/mountinfo')
  if (text === null) throw new Error('could not read the mount table /proc/self/mountinfo')
  return parseMountInfo(text)
}

/** The top mount at this path; null when nothing is mounted there. The path must contain no symbolic links. */
export const findMountAt = (table: readonly MountEntry[], mountPoint: string): MountEntry | null =>
  table.findLast((entry) => entry.mountPoint === mountPoint) ?? null

export const findMountsBelow = (table: readonly MountEntry[], mountPoint: string): readonly MountEntry[] =>
  table.filter((entry) => entry.mountPoint.startsWith(`${mountPoint}/`))
