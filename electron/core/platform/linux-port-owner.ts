// The process that listens on a TCP port: /proc/net/tcp and tcp6 name the socket, /proc/PID/fd its holder.
import type { ForeignProcess } from '../../contract/snapshot.ts'
import { describeCommand } from './describe-command.ts'
import { readPids, readProcLink, readProcNames, readProcText, readProcUid } from './linux-proc.ts'
import { parseCmdline, parseProcStat, parseUserName } from './linux-process-text.ts'

export interface Listener {
  readonly inode: string
  readonly uid: number
}

/** TCP_LISTEN in the kernel's include/net/tcp_states.h. */
const listenState = '0A'

/** Listening sockets on a port, from /proc/net/tcp or tcp6 (proc_net(5)). Skips unknown lines. */
export const parseListeners = (text: string, port: number): readonly Listener[] =>
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

/** Like ps(1): the name, or the bare id for users that /etc/passwd does not list (LDAP, containers). */
const readUserName = async (uid: number): Promise<string> => {
  const passwd = await readProcText('/etc/passwd')
  return (passwd === null ? null : parseUserName(passwd, uid)) ?? String(uid)
}
