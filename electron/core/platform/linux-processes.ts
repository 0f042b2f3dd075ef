// Linux processes, from /proc: identity, argv, group members, port owners, and what keeps a folder tree busy.
import type { ForeignProcess } from '../../contract/snapshot.ts'
import { describeCommand } from './describe-command.ts'
import { decodeOctalEscapes } from './linux-mount-table.ts'
import {
  readPids,
  readProcessText,
  readProcLink,
  readProcNames,
  readProcText,
  readProcUid,
} from './linux-proc.ts'
import type { Holder, ProcessTable } from './platform.ts'
import { readUserName } from './user-name.ts'

export const readLiveStat = async (pid: number): Promise<ProcStat | null> => {
  // pid 0 and negative pids mean something else to kill(2), so they identify no process.
  if (!Number.isSafeInteger(pid) || pid <= 0) return null
  const text = await readProcessText(`/proc/${pid}/stat`)
  const stat = text === null ? null : parseProcStat(text)
  return stat !== null && isAlive(stat) ? stat : null
}

export const readProcArgv = async (pid: number): Promise<readonly string[] | null> => {
  const text = await readProcText(`/proc/${pid}/cmdline`)
  return text === null ? null : parseCmdline(text)
}

const readGroupMembers = async (groupId: number): Promise<readonly number[]> => {
  const stats = await Promise.all((await readPids()).map(readLiveStat))
  return stats.flatMap((stat) => (stat !== null && stat.groupId === groupId ? [stat.pid] : []))
}

export const createLinuxProcessTable = (): ProcessTable => ({
  identityCost: 'file',
  async readIdentity(pid) {
    const [stat, bootId] = await Promise.all([
      readLiveStat(pid),
      readProcText('/proc/sys/kernel/random/boot_id'),
    ])
    if (stat === null) return null
    // Ticks count from boot, and services started by init get nearly the same pid and ticks at every boot: after a
    // reboot the ledger could name a foreign process. The boot id prevents that (random(4)).
    return { pid, startedAt: `${stat.startTicks}@${bootId?.trim() ?? 'unknown-boot'}` }
  },
  async readArgv(pid) {
    return (await readLiveStat(pid)) === null ? null : await readProcArgv(pid)
  },
  readGroupMembers,
  readPortOwner: readLinuxPortOwner,
})

export type ProcStat = Readonly<NonNullable<ReturnType<typeof parseProcStat>>>

/**
 * Field 2 of stat is the name in brackets, which may itself contain brackets, blanks and line ends, so count fields from the
 * last ')' (proc_pid_stat(5)). null when it is not such a line.
 */
export const parseProcStat = (text: string) => {
  const open = text.indexOf('(')
  const close = text.lastIndexOf(')')
  if (open < 1 || close < open) return null
  const fields = text
    .slice(close + 1)
    .trim()
    .split(/\s+/)
  const [state, , group] = fields
  // Field 22 of the line; `rest` starts at field 3.
  const threads = fields[20 - 3]
  const startTicks = fields[22 - 3]
  const pidText = text.slice(0, open).trim()
  if (state === undefined || group === undefined || threads === undefined) return null
  if (startTicks === undefined) return null
  if (![pidText, threads, startTicks].every((number) => /^[0-9]{1,20}$/.test(number))) return null
  if (!/^-?[0-9]{1,20}$/.test(group) || !/^[A-Za-z]$/.test(state)) return null
  return {
    pid: Number(pidText),
    /** Cut to 15 characters by the kernel. */
    comm: text.slice(open + 1, close),
    state,
    groupId: Number(group),
    /** Live threads; 1 for a zombie with nothing left. */
    threads: Number(threads),
    /** Clock ticks between boot and the start of the process. */
    startTicks,
  }
}

/**
 * Z is a zombie; X and x are dead (proc_pid_stat(5)). None of them is running, except that a process's first thread may be a
 * zombie while other threads are still ending and hold its ports open for some ms.
 */
export const isAlive = ({ state, threads }: ProcStat): boolean =>
  state === 'Z' ? threads > 1 : state !== 'X' && state !== 'x'

/**
 * argv as stored by the kernel: each argument ends with NUL, so an empty last argument counts. Programs that rewrite their
 * title (setproctitle) may leave no NUL or pad with many; the padding is no argument.
 */
export const parseCmdline = (text: string): readonly string[] | null => {
  if (text === '') return null
  const parts = text.split('\0')
  if (parts.at(-1) === '') parts.pop()
  const end = parts.findLastIndex((part) => part !== '')
  if (end === -1) return null
  const padded = parts.length - 1 - end > 1
  return padded ? parts.slice(0, end + 1) : parts
}

/** TCP_LISTEN in the kernel's include/net/tcp_states.h. */
const listenState = '0A'

/** Listening sockets on a port, from /proc/net/tcp or tcp6 (proc_net(5)). Skips unknown lines. */
export const parseListeners = (text: string, port: number) =>
  text.split('\n').flatMap((line) => {
    const [, local, , state, , , , uid = '', , inode = ''] = line.trim().split(/\s+/)
    const portHex = /^[0-9A-F]{8,32}:([0-9A-F]{4})$/.exec(local ?? '')?.[1]
    if (portHex === undefined || state !== listenState || Number.parseInt(portHex, 16) !== port) return []
    if (![uid, inode].every((digits) => /^[0-9]{1,20}$/.test(digits))) return []
    return [{ inode, uid: Number(uid) }]
  })

export const readLinuxPortOwner = async (port: number): Promise<ForeignProcess | null> => {
  // These two files are world-readable, so this needs no root.
  const texts = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map(readProcText))
  const listeners = texts.flatMap((text) => (text === null ? [] : parseListeners(text, port)))
  const first = listeners[0]
  if (first === undefined) return null
  const holder = await findOldestHolder(new Set(listeners.map((listener) => `socket:[${listener.inode}]`)))
  if (holder !== null) return await describeProcess(holder)
  // Held by a process whose open files we can't list: only the socket's uid is known.
  return { pid: null, command: null, user: await readUserName(first.uid) }
}

/** A parent and its forked workers hold the same socket: the oldest is the one that was started. */
const findOldestHolder = async (links: ReadonlySet<string>): Promise<number | null> => {
  let oldest: { readonly pid: number; readonly ticks: bigint } | null = null
  for (const pid of await readPids()) {
    if (!(await holdsSocket(pid, links))) continue
    const stat = parseProcStat((await readProcText(`/proc/${pid}/stat`)) ?? '')
    const ticks = BigInt(stat?.startTicks ?? 0)
    if (oldest === null || ticks < oldest.ticks) oldest = { pid, ticks }
  }
  return oldest?.pid ?? null
}

const holdsSocket = async (pid: number, links: ReadonlySet<string>): Promise<boolean> => {
  for (const fd of (await readProcNames(`/proc/${pid}/fd`)) ?? []) {
    const link = await readProcLink(`/proc/${pid}/fd/${fd}`)
    if (link !== null && links.has(link)) return true
  }
  return false
}

export const describeProcess = async (
  pid: number,
): Promise<{ readonly pid: number; readonly command: string | null; readonly user: string | null }> => {
  const [cmdline, comm, uid] = await Promise.all([
    readProcText(`/proc/${pid}/cmdline`),
    readProcText(`/proc/${pid}/comm`),
    readProcUid(pid),
  ])
  return {
    pid,
    command: describeCommand(cmdline === null ? null : parseCmdline(cmdline), comm?.trim() ?? null),
    user: uid === null ? null : await readUserName(uid),
  }
}

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
