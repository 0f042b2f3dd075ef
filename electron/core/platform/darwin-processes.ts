// macOS processes: identity, argv, group members and port owners. Tested only on recorded output so far.
import type { ForeignProcess } from '../../contract/snapshot.ts'
import { describeCommand } from './describe-command.ts'
import type { ProcessTable } from './platform.ts'
import type { RunCommand } from './run-command.ts'

export const createDarwinProcessTable = (run: RunCommand): ProcessTable => ({
  identityCost: 'program',
  async readIdentity(pid) {
    const line = await readLiveProcess(run, pid)
    return line === null ? null : { pid, startedAt: line.startedAt }
  },
  async readArgv(pid) {
    const line = await readLiveProcess(run, pid)
    // Splitting at each single blank loses nothing: joined again it is the same text.
    return line === null || line.command === '' ? null : line.command.split(' ')
  },
  async readGroupMembers(groupId) {
    const lines = parseGroupLines(await askPs(run, ['-ax', '-o', 'pid=', '-o', 'pgid=', '-o', 'stat=']))
    // The list of all processes always contains ps itself.
    if (lines.length === 0) throw new Error('ps printed output that was not understood')
    return lines.filter((line) => line.isAlive && line.groupId === groupId).map((line) => line.pid)
  },
  readPortOwner: (port) => readPortOwner(run, port),
})

const readLiveProcess = async (run: RunCommand, pid: number) => {
  if (!Number.isSafeInteger(pid) || pid <= 0) return null
  const text = await askPs(run, psArguments([pid]))
  const line = parsePsLines(text).find((process) => process.pid === pid)
  // No output means no such process; a line in another format means that it is alive, but we can't read it.
  if (line === undefined && new RegExp(`^\\s*${pid}\\s`, 'm').test(text))
    throw new Error(`ps printed a line for ${pid} that was not understood`)
  return line?.isAlive === true ? line : null
}

const mostAttempts = 3
const pauseMs = 250

/**
 * ps exits with 1 when it lists no process. On a machine that swaps or is out of processes or files it may not run at all: that
 * means unknown, not "no process". Throws after three attempts.
 */
const askPs = async (run: RunCommand, args: readonly string[]): Promise<string> => {
  for (let attempt = 1; ; attempt += 1) {
    const result = await run(['ps', ...args])
    if (result.kind === 'exited') return result.stdout
    if (attempt === mostAttempts) throw new Error(`could not read the process list: ${result.reason}`)
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
}

/** -ww: without it ps cuts command lines at the width of a terminal that doesn't exist. */
const psArguments = (pids: readonly number[]): readonly string[] => [
  '-ww',
  ...psColumns,
  '-p',
  pids.join(','),
]

const readPortOwner = async (run: RunCommand, port: number): Promise<ForeignProcess | null> => {
  const result = await run(['lsof', '-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-F', 'pcLn'])
  // It exits with 1 if it finds nothing, but also if it finds only a part.
  const found = result.kind === 'exited' ? parseLsofFields(result.stdout) : []
  const holders = found.filter((process) => listensOn(process, port))
  if (holders.length > 0) return await describeOldest(run, holders)
  // lsof shows a normal user only their own sockets, so finding none doesn't mean a free port. netstat shows all.
  const netstat = await run(['netstat', '-an', '-p', 'tcp'])
  const taken = netstat.kind === 'exited' && parseNetstatListens(netstat.stdout, port)
  return taken ? { pid: null, command: null, user: null } : null
}

/** A parent and its forked workers hold the same socket: the oldest is the one that was started. */
const describeOldest = async (
  run: RunCommand,
  holders: readonly LsofProcess[],
): Promise<ForeignProcess | null> => {
  // Even without the start times we can name a holder.
  const text = await askPs(run, psArguments(holders.map((holder) => holder.pid))).catch(() => '')
  const lines = parsePsLines(text)
  const startOf = (pid: number) =>
    Date.parse(`${lines.find((line) => line.pid === pid)?.startedAt} UTC`) || Number.MAX_SAFE_INTEGER
  const oldest = holders.toSorted((a, b) => startOf(a.pid) - startOf(b.pid) || a.pid - b.pid)[0]
  if (oldest === undefined) return null
  const command = lines.find((line) => line.pid === oldest.pid)?.command ?? oldest.command
  return { pid: oldest.pid, command: describeCommand(null, command), user: oldest.user }
}

/** A continuation byte of a letter, as strvis(3) writes it with VIS_NOSLASH: 0x80 to 0x9F, 0xA0, 0xA1 to 0xBF. */
const laterByte = '(?:M\\^[@-_]|\\\\240|M-[!-?])'
/** Two, three or four bytes of UTF-8. */
const visLetter = new RegExp(`M-(?:[B-_]|[\`-o]${laterByte}|[p-t]${laterByte}{2})${laterByte}`, 'g')

/**
 * In the C locale, which we need for the dates, ps writes "é" as `M-CM-)` (adv_cmds, ps/print.c: strvis). Text that happens to look
 * like that is decoded too: no path of a server does.
 */
export const decodePsText = (text: string): string =>
  text.replaceAll(visLetter, (letter) => {
    const bytes = [...letter.matchAll(/M-(.)|M\^(.)|\\240/g)].map(([, plain, control]) => {
      if (plain !== undefined) return plain.charCodeAt(0) + 0x80
      return control === undefined ? 0xa0 : control.charCodeAt(0) + 0x40
    })
    return Buffer.from(bytes).toString('utf8')
  })

/** The columns for parsePsLines, without a header because every title is empty (macOS ps(1)). */
export const psColumns = ['-o', 'pid=', '-o', 'stat=', '-o', 'lstart=', '-o', 'command='] as const

/** lstart has 24 characters and is padded: `Tue Sep  2 10:15:30 2026    `. */
const psLine =
  /^\s*([0-9]{1,10})\s+(\S+)\s+([A-Z][a-z]{2} [A-Z][a-z]{2} +[0-9]{1,2} [0-9]{2}(?::[0-9]{2}){2} [0-9]{4})(?:\s+(\S.*))?$/

/** Lines of another format are skipped: no identity is better than a wrong one. */
export const parsePsLines = (text: string) =>
  text.split('\n').flatMap((line) => {
    const [, pid, state, lstart, command] = psLine.exec(line.trimEnd()) ?? []
    if (pid === undefined || state === undefined || lstart === undefined) return []
    const startedAt = lstart.replaceAll(/ +/g, ' ')
    return [
      {
        pid: Number(pid),
        isAlive: !state.startsWith('Z'),
        /** The `lstart` text with single blanks: see ProcessIdentity. */
        startedAt,
        /** argv joined with single blanks: ps shows no more. */
        command: decodePsText(command ?? ''),
      },
    ]
  })

/** `ps -ax -o pid= -o pgid= -o stat=`. */
export const parseGroupLines = (text: string) =>
  text.split('\n').flatMap((line) => {
    const [, pid, groupId, state] = /^\s*([0-9]{1,10})\s+([0-9]{1,10})\s+(\S+)\s*$/.exec(line) ?? []
    if (pid === undefined || groupId === undefined || state === undefined) return []
    return [{ pid: Number(pid), groupId: Number(groupId), isAlive: !state.startsWith('Z') }]
  })

export interface LsofProcess {
  readonly pid: number
  readonly command: string | null
  readonly user: string | null
  readonly names: readonly string[]
}

/**
 * lsof(8) writes unprintable bytes as \xHH: under LC_ALL=C every letter beyond ASCII, and in command names also the blank.
 * It writes other white space as \b, \f, \n, \r or \t, which we show as a blank.
 */
export const decodeHexEscapes = (text: string): string =>
  text
    .replaceAll(/(?:\\x[0-9a-fA-F]{2})+/g, (run) =>
      Buffer.from(run.replaceAll('\\x', ''), 'hex').toString('utf8'),
    )
    .replaceAll(/\\[bfnrt]/g, ' ')

/** `lsof -F pcLn`: a `p` line begins a process; `f` lines come unrequested; a socket may be listed twice. */
export const parseLsofFields = (text: string): readonly LsofProcess[] => {
  const processes: { pid: number; command: string | null; user: string | null; names: string[] }[] = []
  for (const line of text.split(/\r?\n/)) {
    const value = line.slice(1)
    if (line.startsWith('p') && /^[0-9]{1,10}$/.test(value)) {
      processes.push({ pid: Number(value), command: null, user: null, names: [] })
    }
    const current = processes.at(-1)
    if (current === undefined) continue
    if (line.startsWith('c')) current.command = decodeHexEscapes(value)
    if (line.startsWith('L')) current.user = decodeHexEscapes(value)
    if (line.startsWith('n')) current.names.push(decodeHexEscapes(value))
  }
  return processes
}

/** Names of listening sockets: `*:8080`, `127.0.0.1:8080`, `[::1]:8080`; a connection has `->` in its name. */
export const listensOn = (process: LsofProcess, port: number): boolean =>
  process.names.some((name) => !name.includes('->') && name.endsWith(`:${port}`))

/** `netstat -an -p tcp`: whether any LISTEN line has this local port (`*.8080`, `127.0.0.1.8080`, `::1.8080`). */
export const parseNetstatListens = (text: string, port: number): boolean =>
  text.split('\n').some((line) => {
    const [protocol, , , local, , state] = line.trim().split(/\s+/)
    return protocol?.startsWith('tcp') === true && state === 'LISTEN' && local?.endsWith(`.${port}`) === true
  })
