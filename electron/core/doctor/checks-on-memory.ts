// Checks on memory: whether the plan fits, pressure and swap, the GPU limit, and what explains a Mac's wired memory.
import type { ForeignProcess, Memory } from '../../contract/snapshot.ts'
import { formatBytes } from '../base/format-bytes.ts'
import { reservesFor } from '../memory/reserves.ts'
import type { MemoryPlanReading } from '../memory/stack-plan.ts'
import { largestDefaultShare } from '../memory/tally.ts'
import { decodePsText } from '../platform/darwin-processes.ts'
import { type CheckSource, fail, ok, unknown, type Verdict, warn } from './check.ts'
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

export interface WiredFacts {
  readonly wiredBytes: number
  readonly totalBytes: number
  /** GPU memory of our own model server; 0 when it is not running. */
  readonly modelBytes: number
  /** Size of a kernel-held RAM disk: it stays wired until detached. */
  readonly kernelDiskBytes: number
  /** Total use of all programs, from the GPU driver; null when unknown. */
  readonly gpuUsedBytes: number | null
  /** Other running programs that hold models, as text. */
  readonly others: readonly string[]
}

/** macOS itself: recordings of Macs of 24 and 48 GB without a model show 2.6 to 4.1 GB wired. */
const leastSystemBytes = 6e9
/** Windows and videos alone use a few hundred megabytes of GPU memory. */
const muchGpuBytes = 1e9

/**
 * Metal buffers of a dead process can stay wired. macOS unwires an idle model on its own, so little wired memory proves nothing;
 * only more than the system, our stack and other live programs explain is a finding.
 */
export const judgeWired = (facts: WiredFacts): Verdict => {
  const { wiredBytes, totalBytes, modelBytes, kernelDiskBytes, gpuUsedBytes, others } = facts
  const systemBytes = Math.max(leastSystemBytes, reservesFor(totalBytes).osBytes)
  const explainedBytes = systemBytes + modelBytes + kernelDiskBytes
  const said = `${formatBytes(wiredBytes)} wired; the system and our stack explain up to ${formatBytes(explainedBytes)}`
  if (wiredBytes <= explainedBytes) return ok(said)
  const gpuOthersBytes = (gpuUsedBytes ?? 0) - modelBytes
  const holders = [
    ...others,
    ...(gpuOthersBytes >= muchGpuBytes
      ? [`programs that use the GPU (${formatBytes(gpuOthersBytes)} in use)`]
      : []),
  ]
  return holders.length > 0
    ? unknown(`${said}; the rest may be held by ${holders.join(', ')}`, biggestPrograms)
    : warn(
        `${said}; no program that holds a model was found`,
        'Quit programs that use the GPU; if memory stays wired, only restarting the Mac frees it.',
      )
}

/** Programs that hold models, by file or app; `llama` is llama.cpp's combined program. */
const enginePath =
  /(?:^|\/)(?:llama-server|llama-cli|llama|ollama|llamafile[\w.-]*|koboldcpp[\w.-]*|mlx_lm[\w.-]*)$|\/(?:LM Studio|Ollama|Jan|GPT4All|Msty)\.app\//

/** `ps -axo pid=,comm=`: on macOS comm is the path used to start it, which may contain blanks or be a bare name. */
export const findEngines = (text: string, ownPids: readonly number[]): readonly string[] => {
  const found = [...text.matchAll(/^[ \t]*([0-9]{1,10})[ \t]+(\S.*?)\s*$/gm)].flatMap(
    ([, pid, said = '']) => {
      const path = decodePsText(said)
      const [app] = /[^/]+(?=\.app\/)/.exec(path) ?? []
      const name = app ?? path.slice(path.lastIndexOf('/') + 1)
      return enginePath.test(path) && !ownPids.includes(Number(pid)) ? [{ name, pid: Number(pid) }] : []
    },
  )
  const byName = Map.groupBy(found, ({ name }) => name)
  return [...byName].map(([name, all]) => `${name} (pid ${all.map(({ pid }) => pid).join(', ')})`)
}

const describeOwner = (port: number, owner: ForeignProcess): string =>
  `${owner.command ?? 'a process of another user'} on port ${port}${owner.pid === null ? '' : ` (pid ${owner.pid})`}`

const readOthers = async (
  { platform, run, chosen }: DoctorFacts,
  ownPid: number | null,
): Promise<readonly string[]> => {
  const { port } = chosen.profile.llamaServer
  const ownPids = ownPid === null ? [] : [ownPid, ...(await platform.processes.readGroupMembers(ownPid))]
  const [owner, processes] = await Promise.all([
    platform.processes.readPortOwner(port),
    run(['ps', '-axo', 'pid=,comm='], { timeoutMs: 2_000 }),
  ])
  const isForeign = owner !== null && (owner.pid === null || !ownPids.includes(owner.pid))
  const known = isForeign && owner.pid !== null ? [...ownPids, owner.pid] : ownPids
  return [
    ...(isForeign ? [describeOwner(port, owner)] : []),
    ...(processes.kind === 'exited' ? findEngines(processes.stdout, known) : []),
  ]
}

/** The whole disk, used or not: blocks of deleted files stay wired until it is detached. */
const readKernelDiskBytes = async ({ platform, ramDisk, spec }: DoctorFacts): Promise<number> => {
  const backing = await platform.ramDisk.readBacking(spec).catch(() => null)
  return backing?.kind === 'kernel' ? ((await ramDisk().catch(() => null))?.totalBytes ?? spec.sizeBytes) : 0
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
  {
    id: 'memory.wired',
    title: 'Wired memory',
    why: 'wired memory cannot be swapped or compressed, so other programs cannot use it',
    read: async (facts) => {
      const { wiredBytes, totalBytes } = await facts.memory()
      if (wiredBytes === null) return null
      const [reading, running] = await Promise.all([facts.memoryPlan(), facts.running()])
      const own = running.find(({ service }) => service === 'llamaServer') ?? null
      const plan = reading.kind === 'planned' ? reading.plan : null
      if (own !== null && plan === null) return unknown('no memory plan to compare it with', 'nexus plan')
      const [kernelDiskBytes, gpu, others] = await Promise.all([
        readKernelDiskBytes(facts),
        facts.platform.readGpuUse().catch(() => null),
        readOthers(facts, own?.pid ?? null),
      ])
      return judgeWired({
        wiredBytes,
        totalBytes,
        modelBytes: own === null ? 0 : (plan?.gpu.neededBytes ?? 0),
        kernelDiskBytes,
        gpuUsedBytes: gpu?.usedBytes ?? null,
        others,
      })
    },
  },
]
