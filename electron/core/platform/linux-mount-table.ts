// The mount table of this process's namespace, from /proc/self/mountinfo.
import { readProcText } from './linux-proc.ts'

export interface MountEntry {
  readonly mountPoint: string
  readonly filesystem: string
  readonly source: string
}

/** Blank, tab, line end and backslash are written as three octal digits of each byte (proc_pid_mountinfo(5)). */
export const decodeOctalEscapes = (text: string): string =>
  text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))

/** In the order of mounting, so the last entry of a mount point is the one on top; strange lines are skipped. */
export const parseMountInfo = (text: string): readonly MountEntry[] =>
  text.split('\n').flatMap((line) => {
    const fields = line.split(' ')
    // Optional fields (shared:N, master:N ...) end at a lone dash; what follows has fixed places again.
    const dash = fields.indexOf('-', 6)
    const mountPoint = fields[4]
    const filesystem = fields[dash + 1]
    const source = fields[dash + 2]
    if (dash === -1 || mountPoint === undefined || filesystem === undefined || source === undefined) return []
    return [{ mountPoint: decodeOctalEscapes(mountPoint), filesystem, source: decodeOctalEscapes(source) }]
  })

export const readMountTable = async (): Promise<readonly MountEntry[]> => {
  const text = await readProcText('/proc/self/mountinfo')
  if (text === null) throw new Error('/proc/self/mountinfo cannot be read: the mount table is not known')
  return parseMountInfo(text)
}

/** What is on top at this path; null when nothing is mounted there. The path must be free of symbolic links. */
export const findMountAt = (table: readonly MountEntry[], mountPoint: string): MountEntry | null =>
  table.findLast((entry) => entry.mountPoint === mountPoint) ?? null

export const findMountsBelow = (table: readonly MountEntry[], mountPoint: string): readonly MountEntry[] =>
  table.filter((entry) => entry.mountPoint.startsWith(`${mountPoint}/`))
