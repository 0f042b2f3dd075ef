// The cost of an idle core: CPU and resident memory, alone and with a live view attached.
import { setTimeout as sleep } from 'node:timers/promises'
import { againstLimit, type Comparison } from './bench-report.ts'
import type { BenchStack } from './bench-stack.ts'
import { measureCpuPercent, readResidentBytes } from './processes.ts'

const cpuLimitPercent = 0.5
const residentLimitMb = 90
/** After a start the core still answers its starter and reads everything once. */
const settleMs = 5_000
const aloneSeconds = 60
const watchedSeconds = 20

export const benchIdle = async (stack: BenchStack): Promise<readonly Comparison[]> => {
  await stack.up()
  const { owner } = await stack.until()
  const alone = await measureCost(owner.pid, aloneSeconds, stack.signal)
  const watched = await stack.watchedFromOutside(() => measureCost(owner.pid, watchedSeconds, stack.signal))
  await stack.down()
  const compare = (who: string, { cpuPercent, residentMb }: typeof alone, isGoal: boolean) => [
    againstLimit(`CPU of the core, ${who}`, '%', cpuLimitPercent, [cpuPercent], isGoal),
    againstLimit(`resident memory of the core, ${who}`, 'MB', residentLimitMb, residentMb, isGoal),
  ]
  return [
    ...compare(`idle over ${aloneSeconds} s`, alone, true),
    ...compare(`watched over ${watchedSeconds} s`, watched, false),
  ]
}

const measureCost = async (pid: number, seconds: number, signal: AbortSignal) => {
  await sleep(settleMs, undefined, { signal })
  const residentMb: number[] = []
  const reading = setInterval(() => residentMb.push(readResidentBytes(pid) / 1e6), 1_000)
  try {
    return { cpuPercent: await measureCpuPercent([pid], seconds, signal), residentMb }
  } finally {
    clearInterval(reading)
  }
}
