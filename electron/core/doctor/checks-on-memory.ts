// Checks on memory: whether the plan fits, pressure and swap, the GPU limit.
import type { Memory } from '../../contract/snapshot.ts'
import { formatBytes } from '../base/format-bytes.ts'
import { reservesFor } from '../memory/reserves.ts'
import type { MemoryPlanReading } from '../memory/stack-plan.ts'
import { largestDefaultShare } from '../memory/tally.ts'
import { type CheckSource, fail, ok, unknown, type Verdict, warn } from './check.ts'

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

/** macOS swaps a little even when it need not, but less than a gigabyte. */
const muchSwapBytes = 2 ** 30
/** Which programs hold the most memory. */
export const biggestPrograms = 'ps -A -o rss=,pid=,comm= | sort -rn | head'

/** Pressure and swap, the worse of the two. */
export const judgeStrain = ({ pressure, swapUsedBytes, swapOutBytesPerSecond: rate }: Memory): Verdict => {
  const growth = rate === null || rate === 0 ? '' : ` and growing by ${formatBytes(rate)} a second`
  const used = swapUsedBytes === null ? 'unknown swap' : `${formatBytes(swapUsedBytes)} of swap`
  const swap = `${swapUsedBytes === 0 ? 'no swap' : used} in use${growth}`
  const said = `pressure ${pressure ?? 'unknown (on Linux: /proc/pressure/memory, kernel option psi=1)'}, ${swap}`
  if (pressure === 'critical') return fail(said, biggestPrograms)
  if (pressure === 'warn' || (rate ?? 0) > 0 || (swapUsedBytes ?? 0) >= muchSwapBytes)
    return warn(said, biggestPrograms)
  const isKnown = pressure !== null && (swapUsedBytes === 0 || (swapUsedBytes !== null && rate !== null))
  return isKnown ? ok(said) : unknown(said, biggestPrograms)
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

export const checksOnMemory: readonly CheckSource[] = [
  {
    id: 'memory.plan',
    title: 'Memory plan',
    why: 'nexus up refuses a plan that does not fit, because the stack would swap or be killed',
    read: async ({ memoryPlan }) => judgePlan(await memoryPlan()),
  },
  {
    id: 'memory.pressure',
    title: 'Memory pressure',
    why: 'under pressure the system compresses memory, swaps builds and weights, and finally kills programs',
    read: async ({ memory }) => judgeStrain(await memory()),
  },
  {
    id: 'memory.gpu-limit',
    title: 'GPU memory limit',
    why: 'Metal refuses to load more than this; each reboot resets it to the default',
    read: async ({ platform, memoryPlan, machine }) => {
      if (platform.id !== 'darwin') return null
      const reading = await memoryPlan()
      if (reading.kind !== 'planned') return unknown('no memory plan to compare it with', 'nexus plan')
      const { gpu, machineBytes } = reading.plan
      return judgeWiredLimit(gpu.neededBytes, (await machine()).gpuLimitBytes, machineBytes)
    },
  },
]
