// Reads processes from Linux's /proc: command lines, cost, and leftovers of a stack.
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseCmdline } from '../electron/core/platform/linux-processes.ts'

/** USER_HZ on every Linux that this project supports (time(7)). */
export const ticksPerSecond = 100

/** Text of a file in /proc, or null when the process is gone or not readable for us. */
const readOrNull = (path: string): string | null => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

export const listPids = (): readonly number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)

/** null when the process is gone, or the kernel's own. */
export const readArgv = (pid: number): readonly string[] | null =>
  parseCmdline(readOrNull(`/proc/${pid}/cmdline`) ?? '')

/** Field `number` of proc_pid_stat(5), counted from the closing parenthesis, since the command may contain blanks; null: gone. */
const readStat = (pid: number, number: number): string | null => {
  const stat = readOrNull(`/proc/${pid}/stat`)
  return stat === null ? null : (stat.slice(stat.lastIndexOf(')') + 2).split(' ')[number - 3] ?? null)
}

export const readParent = (pid: number): number | null => Number(readStat(pid, 4)) || null

/** Zombies count as gone: only their parent has not reaped them yet. */
const isAlive = (pid: number): boolean => !['Z', null].includes(readStat(pid, 3))

/** CPU time of all threads since the process started; null when it is gone. */
export const readCpuSeconds = (pid: number): number | null => {
  const [user, system] = [readStat(pid, 14), readStat(pid, 15)]
  return user === null || system === null ? null : (Number(user) + Number(system)) / ticksPerSecond
}

/** CPU time of these processes over `seconds`, in percent of one CPU. Throws when one of them ends. */
export const measureCpuPercent = async (
  pids: readonly number[],
  seconds: number,
  signal: AbortSignal,
): Promise<number> => {
  const read = () =>
    pids.reduce((sum, pid) => {
      const used = readCpuSeconds(pid)
      if (used === null) throw new Error(`pid ${pid} ended while it was measured`)
      return sum + used
    }, 0)
  const before = read()
  const beganAtMs = performance.now()
  await sleep(seconds * 1000, undefined, { signal })
  return ((read() - before) * 100_000) / (performance.now() - beganAtMs)
}

export const readResidentBytes = (pid: number): number => {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  if (kib === undefined) throw new Error(`/proc/${pid}/status has no VmRSS`)
  return Number(kib) * 1024
}

export const countDescriptors = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length

/** A process and all its descendants. */
export const listProcessTree = (pid: number): readonly number[] => {
  const parents = listPids().map((each) => ({ each, parent: readParent(each) }))
  const below = (of: number): readonly number[] =>
    parents.filter(({ parent }) => parent === of).flatMap(({ each }) => [each, ...below(each)])
  return [pid, ...below(pid)]
}

/**
 * Waits for a process with this command line that is not in `known`; returns when it was seen, on the clock of
 * performance.now(). Looks every millisecond: the measured times are about a tenth of a second.
 */
export const untilProcess = async (
  argv: readonly string[],
  known: ReadonlySet<number>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<{ readonly pid: number; readonly seenAtMs: number }> => {
  const deadline = performance.now() + timeoutMs
  while (performance.now() < deadline) {
    for (const pid of listPids()) {
      if (!known.has(pid) && readArgv(pid)?.join('\0') === argv.join('\0'))
        return { pid, seenAtMs: performance.now() }
    }
    await sleep(1, undefined, { signal })
  }
  throw new Error(`no new process within ${timeoutMs / 1000} s: ${argv[0]}`)
}

/** Living processes with this folder in their command line or environment: its random name is unique to us. */
export const findProcessesOf = (folder: string): readonly number[] =>
  listPids().filter(
    (pid) =>
      pid !== process.pid &&
      isAlive(pid) &&
      ['cmdline', 'environ'].some((file) => readOrNull(`/proc/${pid}/${file}`)?.includes(folder)),
  )

/** Returns whether it was there. */
export const sendSignal = (pid: number, signal: NodeJS.Signals): boolean => {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}

/** SIGKILL to each, and waits until they are gone. */
export const killAll = async (pids: readonly number[]): Promise<void> => {
  for (const pid of pids) sendSignal(pid, 'SIGKILL')
  const deadline = performance.now() + 10_000
  while (pids.some(isAlive)) {
    if (performance.now() > deadline) throw new Error(`pid ${pids.filter(isAlive).join(', ')} does not end`)
    await sleep(10)
  }
}
