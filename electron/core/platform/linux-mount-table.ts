// The mount table of this process's namespace, from /proc/self/mountinfo.
import { readProcText } from './linux-proc.ts'

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
