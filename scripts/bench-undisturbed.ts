// Repeats a measurement if the machine was busy otherwise: a difference of 1 % is invisible beside a busy neighbour.
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { sumOf } from './bench-report.ts'
import type { BenchStack } from './bench-stack.ts'
import { findProcessesOf, readCpuSeconds, ticksPerSecond } from './processes.ts'
import { say } from './run-script.ts'

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
  say(
    'bench',
    `other programs took ${percent} % of a CPU in the quietest of ${attempts} tries (${availableParallelism()} CPUs)`,
  )
  return best.value
}

/** CPU use of everything but the stack and this process, from now until the returned function is called. */
const watchOthers = (stack: BenchStack): (() => number) => {
  const own = [process.pid, ...findProcessesOf(stack.home)].map((pid) => ({
    pid,
    before: readCpuSeconds(pid) ?? 0,
  }))
  const busyBefore = readBusySeconds()
  const beganAtMs = performance.now()
  return () => {
    const busySeconds = readBusySeconds() - busyBefore
    // The little that a short-lived one used counts as other load.
    const ownSeconds = sumOf(own.map(({ pid, before }) => (readCpuSeconds(pid) ?? before) - before))
    return ((busySeconds - ownSeconds) * 1000) / (performance.now() - beganAtMs)
  }
}

/** All but idle and iowait; `steal` is a neighbour on the same host (proc_stat(5)). `user` includes guests. */
const readBusySeconds = (): number => {
  const [, user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = readFileSync(
    '/proc/stat',
    'utf8',
  )
    .split(/\s+/, 9)
    .map(Number)
  return (user + nice + system + irq + softirq + steal) / ticksPerSecond
}
