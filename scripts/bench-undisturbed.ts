// Repeats a measurement if the machine was busy otherwise: a difference of 1 % is invisible beside a busy neighbour.
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { findProcessesOf, readCpuSeconds, ticksPerSecond } from './bench-processes.ts'
import type { BenchStack } from './bench-stack.ts'

/** Share of one CPU. Kernel threads and interrupts alone take one or two hundredths. */
const quietShare = 0.05
const attempts = 4

/** The result of `measure` in its quietest attempt; the first one quiet enough ends the tries. */
export const undisturbed = async <T>(stack: BenchStack, measure: () => Promise<T>): Promise<T> => {
  let best: { readonly value: T; readonly othersShare: number } | null = null
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const readOthers = watchOthers(stack)
    const value = await measure()
    const othersShare = readOthers()
    if (best === null || othersShare < best.othersShare) best = { value, othersShare }
    if (best.othersShare <= quietShare) return best.value
  }
  if (best === null) throw new Error('nothing was measured')
  const percent = Math.round(best.othersShare * 100)
  process.stderr.write(
    `bench: other programs took ${percent} % of a CPU in the quietest of ${attempts} tries (${availableParallelism()} CPUs)\n`,
  )
  return best.value
}

/** CPU use of everything but the stack and this process, from now until the returned function is called. */
const watchOthers = (stack: BenchStack): (() => number) => {
  const own = [process.pid, ...findProcessesOf(stack.folder.root)].map((pid) => ({
    pid,
    before: secondsOf(pid, 0),
  }))
  const busyBefore = readBusySeconds()
  const beganAtMs = performance.now()
  return () => {
    const busySeconds = readBusySeconds() - busyBefore
    const ownSeconds = own.reduce((sum, { pid, before }) => sum + secondsOf(pid, before) - before, 0)
    return ((busySeconds - ownSeconds) * 1000) / (performance.now() - beganAtMs)
  }
}

/** `gone` for an ended process: the little that a short-lived one used counts as other load. */
const secondsOf = (pid: number, gone: number): number => {
  try {
    return readCpuSeconds(pid)
  } catch {
    return gone
  }
}

/** All but idle and iowait; `steal` is a neighbour on the same host (proc_stat(5)). `user` includes guests. */
const readBusySeconds = (): number => {
  const [, user, nice, system, , , irq, softirq, steal] = readFileSync('/proc/stat', 'utf8')
    .split('\n', 1)
    .join('')
    .split(/\s+/)
    .map(Number)
  const ticks = [user, nice, system, irq, softirq, steal].reduce<number>(
    (sum, value) => sum + (value ?? 0),
    0,
  )
  return ticks / ticksPerSecond
}
