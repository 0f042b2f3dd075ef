// Processes that keep a folder tree busy: by working folder, program, root, open files or mapped files.

import { decodeOctalEscapes } from './linux-mount-table.ts'
import { readPids, readProcLink, readProcNames, readProcText } from './linux-proc.ts'
import { describeProcess } from './linux-processes.ts'
import type { Holder } from './platform.ts'

/** True for the folder itself and everything under it, deleted files ("... (deleted)") too. */
export const isBelow = (path: string, folder: string): boolean =>
  path === folder || path === `${folder} (deleted)` || path.startsWith(`${folder}/`)

/** Paths in /proc/PID/maps: the sixth column, which may contain blanks (proc_pid_maps(5)). */
export const parseMappedPaths = (maps: string): readonly string[] =>
  maps.split('\n').flatMap((line) => {
    const path = /^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \S+ +(\/.*)$/.exec(line)?.[1]
    return path === undefined ? [] : [decodeOctalEscapes(path)]
  })

const holdsAnythingBelow = async (pid: number, folder: string): Promise<boolean> => {
  const fds = (await readProcNames(`/proc/${pid}/fd`)) ?? []
  for (const name of ['cwd', 'exe', 'root', ...fds.map((fd) => `fd/${fd}`)]) {
    const link = await readProcLink(`/proc/${pid}/${name}`)
    if (link !== null && isBelow(link, folder)) return true
  }
  const maps = await readProcText(`/proc/${pid}/maps`)
  return maps !== null && parseMappedPaths(maps).some((path) => isBelow(path, folder))
}

/** Without root only the user's own processes are visible, so an empty list proves nothing. */
export const readHolders = async (folder: string): Promise<readonly Holder[]> => {
  const holders: Holder[] = []
  for (const pid of await readPids()) {
    if (!(await holdsAnythingBelow(pid, folder))) continue
    const { command, user } = await describeProcess(pid)
    holders.push({ pid, command: command ?? 'unknown program', user })
  }
  return holders
}
