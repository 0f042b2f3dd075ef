// The check on a Mac's wired memory: what explains it, and which programs may hold the rest.
import type { ForeignProcess } from '../../contract/snapshot.ts'
import { formatBytes } from '../base/format-bytes.ts'
import { reservesFor } from '../memory/reserves.ts'
import { decodePsText } from '../platform/darwin-processes.ts'
import { type CheckSource, ok, unknown, type Verdict, warn } from './check.ts'
import { biggestPrograms } from './checks-on-memory.ts'
import type { DoctorFacts } from './facts.ts'

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

export const checksOnWired: readonly CheckSource[] = [
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
