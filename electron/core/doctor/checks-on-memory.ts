// Checks on memory: whether the plan fits, whether it fits now, swap, pressure, and the GPU limit.
import type { MemoryPlan } from '../../contract/memory-plan.ts'
import type { Memory, RamDisk } from '../../contract/snapshot.ts'
import { formatBytes } from '../base/format-bytes.ts'
import { reservesFor } from '../memory/reserves.ts'
import type { MemoryPlanReading } from '../memory/stack-plan.ts'
import { largestDefaultShare } from '../memory/tally.ts'
import { type CheckSource, type DoctorContext, fail, ok, unknown, type Verdict, warn } from './check.ts'
import type { DoctorFacts } from './facts.ts'

export const judgePlan = (reading: MemoryPlanReading): Verdict => {
  if (reading.kind === 'unknown') return unknown(`no plan: ${reading.reason}`, 'nexus plan')
  const { plan } = reading
  const needs = `needs ${formatBytes(plan.totalBytes)} of ${formatBytes(plan.machineBytes)} with the linker reserve`
  const change = plan.suggestions.find(({ isEnough }) => isEnough) ?? plan.suggestions[0]
  const mend =
    change === undefined ? 'nexus plan' : `Change the profile (nexus plan shows more): ${change.text}.`
  switch (plan.verdict) {
    case 'fits':
      return ok(needs)
    case 'fits-without-linker-reserve':
      return warn(`${needs}: fits only without that reserve`, mend)
    case 'does-not-fit':
      return fail(`${needs}: ${plan.reasons.join('; ')}`, mend)
    case 'unknown':
      return unknown(`${needs}, but not counted: ${plan.uncounted ?? 'parts of it'}`, 'nexus plan')
  }
}

/** What a start would still allocate: the plan minus the system's own share and the files on the RAM disk. */
export const stillNeededBytes = (plan: MemoryPlan, disk: RamDisk | null): number => {
  const held = disk?.mounted === true && disk.kind !== 'shm-folder' ? (disk.usedBytes ?? 0) : 0
  return Math.max(0, plan.withoutLinkerBytes - reservesFor(plan.machineBytes).osBytes - held)
}

export const judgeFreeNow = (neededBytes: number, memory: Memory): Verdict => {
  const said = `${formatBytes(memory.availableBytes)} available now, ${formatBytes(neededBytes)} needed to start`
  return neededBytes <= memory.availableBytes
    ? ok(said)
    : warn(
        `${said}: ${formatBytes(neededBytes - memory.availableBytes)} too little`,
        'ps -A -o rss=,pid=,comm= | sort -rn | head',
      )
}

/** macOS swaps a little even when it need not, but less than a gigabyte. */
const muchSwapBytes = 2 ** 30

export const judgeSwap = (memory: Pick<Memory, 'swapUsedBytes' | 'swapOutBytesPerSecond'>): Verdict => {
  const { swapUsedBytes, swapOutBytesPerSecond } = memory
  const look = 'ps -A -o rss=,pid=,comm= | sort -rn | head'
  if (swapUsedBytes === null) return unknown('could not read how much is in use', look)
  const used = `${formatBytes(swapUsedBytes)} in use`
  if (swapUsedBytes === 0) return ok('none in use')
  if (swapOutBytesPerSecond === null) return unknown(`${used}; unknown whether it is growing`, look)
  if (swapOutBytesPerSecond > 0)
    return warn(`${used} and growing by ${formatBytes(swapOutBytesPerSecond)} a second`, look)
  return swapUsedBytes >= muchSwapBytes ? warn(`${used}, not growing`, look) : ok(`${used}, not growing`)
}

export const judgePressure = (pressure: Memory['pressure']): Verdict => {
  const look = 'ps -A -o rss=,pid=,comm= | sort -rn | head'
  switch (pressure) {
    case 'normal':
      return ok('normal')
    case 'warn':
      return warn('the system warns of memory pressure', look)
    case 'critical':
      return fail('memory pressure is critical', look)
    case null:
      return unknown('could not read it (on Linux: /proc/pressure/memory, kernel option psi=1)')
  }
}

/** macOS's default varies; the lowest share seen is two thirds, on 8 to 32 GB. */
const leastDefaultShare = 2 / 3

/** @param limitBytes the configured limit or the device's; null: unknown, so the verdict is `unknown` between the known defaults */
export const judgeWiredLimit = (
  neededBytes: number,
  limitBytes: number | null,
  totalBytes: number,
): Verdict => {
  // Rounded up to whole MiB, plus 5 % in case the compute buffers are underestimated.
  const wantedMiB = Math.ceil((neededBytes * 1.05) / 2 ** 20)
  const raise = `sudo sysctl iogpu.wired_limit_mb=${wantedMiB}`
  const needs = `the GPU needs ${formatBytes(neededBytes)}`
  if (limitBytes !== null) {
    if (neededBytes > limitBytes) return fail(`${needs} but may use only ${formatBytes(limitBytes)}`, raise)
    return limitBytes > totalBytes - reservesFor(totalBytes).osBytes
      ? warn(
          `the GPU may use all but ${formatBytes(Math.max(0, totalBytes - limitBytes))} of memory, too little for the system`,
          raise,
        )
      : ok(`${needs} of ${formatBytes(limitBytes)}`)
  }
  if (neededBytes <= totalBytes * leastDefaultShare) return ok(`${needs}, below every known default limit`)
  return neededBytes > totalBytes * largestDefaultShare
    ? fail(`${needs}, above every known default limit`, raise)
    : unknown(`${needs}; this Mac's default limit may be lower`, raise)
}

export const checksOnMemory = (context: DoctorContext, facts: DoctorFacts): readonly CheckSource[] => {
  const readPlan = async () => {
    const reading = await facts.memoryPlan()
    return reading.kind === 'planned' ? reading.plan : null
  }
  return [
    {
      id: 'memory.plan',
      group: 'Memory',
      title: 'Memory plan',
      why: 'nexus up refuses a plan that does not fit, because the stack would swap or be killed',
      read: async () => judgePlan(await facts.memoryPlan()),
    },
    {
      id: 'memory.free',
      group: 'Memory',
      title: 'Free memory',
      why: 'the system makes up for missing memory by dropping cached files, then by swapping',
      read: async () => {
        const [plan, running] = await Promise.all([readPlan(), facts.running()])
        if (plan === null || running.some(({ service }) => service === 'llamaServer')) return null
        const disk = await facts.ramDisk().catch(() => null)
        return judgeFreeNow(stillNeededBytes(plan, disk), await facts.memory())
      },
    },
    {
      id: 'memory.swap',
      group: 'Memory',
      title: 'Swap',
      why: 'swapped build artifacts and weights make everything slow',
      read: async () => judgeSwap(await facts.memory()),
    },
    {
      id: 'memory.pressure',
      group: 'Memory',
      title: 'Memory pressure',
      why: 'under pressure the system compresses memory, swaps, and finally kills programs',
      read: async () => judgePressure((await facts.memory()).pressure),
    },
    {
      id: 'memory.gpu-limit',
      group: 'Memory',
      title: 'GPU memory limit',
      why: 'Metal refuses to load more than this; each reboot resets it to the default',
      read: async () => {
        if (context.platform.id !== 'darwin') return null
        const [plan, limitBytes] = await Promise.all([readPlan(), facts.gpuLimitBytes()])
        if (plan === null) return unknown('no memory plan to compare it with', 'nexus plan')
        return judgeWiredLimit(plan.gpu.neededBytes, limitBytes, plan.machineBytes)
      },
    },
  ]
}
