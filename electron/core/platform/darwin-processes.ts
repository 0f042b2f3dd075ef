// macOS processes: identity, argv, group members and port owners. Tested only on recorded output so far.
import type { ForeignProcess } from '../../contract/snapshot.ts'
import {
  type LsofProcess,
  listensOn,
  type PsLine,
  parseGroupLines,
  parseLsofFields,
  parseNetstatListens,
  parsePsLines,
  psColumns,
} from './darwin-process-text.ts'
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

const readLiveProcess = async (run: RunCommand, pid: number): Promise<PsLine | null> => {
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
