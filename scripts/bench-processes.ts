// Processes as Linux shows them in /proc: who runs what, at what cost, and which are left over from a benchmark.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** USER_HZ of every Linux that this project runs on (time(7)). */
export const ticksPerSecond = 100

/** Text of a file in /proc, or null when the process is gone or not ours to look at. */
const readOrNull = (path: string): string | null => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

const splitNul = (text: string): readonly string[] => text.split('\0').slice(0, -1)

const listPids = (): readonly number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)

/** All that is needed to start the same program again in the same way. */
export interface RunningProgram {
  readonly argv: readonly string[]
  /** NAME=value */
  readonly environment: readonly string[]
  readonly cwd: string
}

export const readProgram = (pid: number): RunningProgram => ({
  argv: splitNul(readFileSync(`/proc/${pid}/cmdline`, 'utf8')),
  environment: splitNul(readFileSync(`/proc/${pid}/environ`, 'utf8')),
  cwd: readlinkSync(`/proc/${pid}/cwd`),
})

/** CPU time of all threads since the process began (proc_pid_stat(5), fields 14 and 15). */
export const readCpuSeconds = (pid: number): number => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // Counted after the command's closing parenthesis, which may hold blanks.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

/** A process and all that it started, they in turn too. */
export const listProcessTree = (pid: number): readonly number[] => {
  const parents = listPids().map((each) => ({ each, parent: readParent(each) }))
  const below = (of: number): readonly number[] =>
    parents.filter(({ parent }) => parent === of).flatMap(({ each }) => [each, ...below(each)])
  return [pid, ...below(pid)]
}

/** Field 4 of proc_pid_stat(5); null when the process is gone. */
export const readParent = (pid: number): number | null => {
  const stat = readOrNull(`/proc/${pid}/stat`)
  return stat === null ? null : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
}

export const readResidentBytes = (pid: number): number => {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  if (kib === undefined) throw new Error(`/proc/${pid}/status has no VmRSS`)
  return Number(kib) * 1024
}

/**
 * Waits for a process with this command line that is none of `known`; answers when it was seen, on performance.now()'s
 * clock. Looks every millisecond: what is measured this way takes a tenth of a second.
 */
export const untilProcess = async (
  argv: readonly string[],
  known: ReadonlySet<number>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<{ readonly pid: number; readonly seenAtMs: number }> => {
  const wanted = `${argv.join('\0')}\0`
  const deadline = performance.now() + timeoutMs
  while (performance.now() < deadline) {
    for (const pid of listPids()) {
      if (!known.has(pid) && readOrNull(`/proc/${pid}/cmdline`) === wanted)
        return { pid, seenAtMs: performance.now() }
    }
    await sleep(1, undefined, { signal })
  }
  throw new Error(`no new process within ${timeoutMs / 1000} s: ${argv[0]}`)
}

export const listKnownPids = (): ReadonlySet<number> => new Set(listPids())

/** Zombies count as gone: whoever started them has not asked for their status yet. */
const isAlive = (pid: number): boolean => {
  const stat = readOrNull(`/proc/${pid}/stat`)
  return stat !== null && stat.charAt(stat.lastIndexOf(')') + 2) !== 'Z'
}

/** Living processes that carry this folder in their command line or environment: nobody else knows its random name. */
export const findProcessesOf = (folder: string): readonly number[] =>
  listPids().filter(
    (pid) =>
      pid !== process.pid &&
      isAlive(pid) &&
      ['cmdline', 'environ'].some((file) => readOrNull(`/proc/${pid}/${file}`)?.includes(folder)),
  )

/** SIGKILL to each, and waits until they are gone. */
export const killAll = async (pids: readonly number[]): Promise<void> => {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It went by itself.
    }
  }
  const deadline = performance.now() + 10_000
  while (pids.some(isAlive)) {
    if (performance.now() > deadline) throw new Error(`pid ${pids.filter(isAlive).join(', ')} does not end`)
    await sleep(10)
  }
}
