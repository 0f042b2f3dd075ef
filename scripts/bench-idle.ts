// The cost of an idle core: CPU and resident memory, alone and with a live view attached.
import { setTimeout as sleep } from 'node:timers/promises'
import { readCpuSeconds, readResidentBytes } from './bench-processes.ts'
import type { PartReport, Sample } from './bench-report.ts'
import type { BenchStack } from './bench-stack.ts'

const cpuLimitPercent = 0.5
const residentLimitMb = 90
/** After a start the core still answers its starter and reads everything once. */
const settleMs = 5_000
const aloneSeconds = 60
const watchedSeconds = 20
const readyTimeoutMs = 120_000

export const benchIdle = async (stack: BenchStack): Promise<PartReport> => {
  await stack.up()
  const { owner } = await stack.until(({ overall }) => overall === 'ready', readyTimeoutMs)
  await sleep(settleMs, undefined, { signal: stack.signal })
  const alone = await measureCost(owner.pid, aloneSeconds, stack.signal)
  const stopWatching = await stack.watchFromOutside()
  await sleep(settleMs, undefined, { signal: stack.signal })
  const watched = await measureCost(owner.pid, watchedSeconds, stack.signal)
  await stopWatching()
  await stack.down()
  const compare = (what: string, unit: '%' | 'MB', samples: readonly Sample[], goal: string | null) => ({
    part: 'idle',
    what,
    unit,
    samples,
    against: 'limit',
    goal: goal === null ? null : { text: goal, maxRatio: 1 },
  })
  return {
    comparisons: [
      compare(`CPU of the idle core over ${aloneSeconds} s`, '%', [alone.cpu], '<= 0.5 % of a CPU'),
      compare('resident memory of the idle core', 'MB', alone.resident, '<= 90 MB'),
      compare(`CPU of the core over ${watchedSeconds} s, watched`, '%', [watched.cpu], null),
      compare('resident memory of the core, watched', 'MB', watched.resident, null),
    ],
    stages: [],
  }
}

const measureCost = async (
  pid: number,
  seconds: number,
  signal: AbortSignal,
): Promise<{ readonly cpu: Sample; readonly resident: readonly Sample[] }> => {
  const cpuBefore = readCpuSeconds(pid)
  const beganAtMs = performance.now()
  const resident: Sample[] = []
  while (performance.now() - beganAtMs < seconds * 1000) {
    await sleep(1_000, undefined, { signal })
    resident.push({ measured: readResidentBytes(pid) / 1e6, reference: residentLimitMb })
  }
  const elapsedSeconds = (performance.now() - beganAtMs) / 1000
  const cpuPercent = ((readCpuSeconds(pid) - cpuBefore) * 100) / elapsedSeconds
  return { cpu: { measured: cpuPercent, reference: cpuLimitPercent }, resident }
}
