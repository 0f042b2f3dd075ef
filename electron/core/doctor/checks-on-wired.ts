// The check on wired memory of a Mac: what explains it, and who alive may hold the rest.
import type { ForeignProcess, RamDisk } from '../../contract/snapshot.ts'
import { formatBytes } from '../base/format-bytes.ts'
import { reservesFor } from '../memory/reserves.ts'
import { decodePsText } from '../platform/darwin-process-text.ts'
import type { RamDiskBacking } from '../platform/platform.ts'
import { isLiveSession, parseScreenList } from '../platform/screen-sessions.ts'
import { type CheckSource, type DoctorContext, ok, unknown, type Verdict, warn } from './check.ts'
import type { DoctorFacts } from './facts.ts'

export interface WiredFacts {
  readonly wiredBytes: number
  readonly totalBytes: number
  /** What our own model server holds for the GPU; 0 when it does not run. */
  readonly modelBytes: number
  /** Of a RAM disk that the kernel holds: it stays wired until it is detached. */
  readonly kernelDiskBytes: number
  /** What the GPU's driver says that all programs together hold; null when it does not say. */
  readonly gpuUsedBytes: number | null
  /** Other programs alive that hold models, in words. */
  readonly others: readonly string[]
}

/** macOS itself: real Macs of 24 and 48 GB were recorded with 2.6 to 4.1 GB wired and no model in sight. */
const leastSystemBytes = 6e9
/** Windows and videos alone take some hundred megabytes of the GPU's memory. */
const muchGpuBytes = 1e9
const look = 'ps -A -o rss=,pid=,comm= | sort -rn | head'

/**
 * Metal's buffers of a process that died can stay wired. macOS unwires an idle model by itself, so little says nothing;
 * only more than the system, our own stack and everybody else alive can explain does.
 */
export const judgeWired = (facts: WiredFacts): Verdict => {
  const { wiredBytes, totalBytes, modelBytes, kernelDiskBytes, gpuUsedBytes, others } = facts
  const systemBytes = Math.max(leastSystemBytes, reservesFor(totalBytes).osBytes)
  const explainedBytes = systemBytes + modelBytes + kernelDiskBytes
  const said = `${formatBytes(wiredBytes)} wired; the system and what we run explain up to ${formatBytes(explainedBytes)}`
  if (wiredBytes <= explainedBytes) return ok(said)
  const gpuOthersBytes = (gpuUsedBytes ?? 0) - modelBytes
  const holders = [
    ...others,
    ...(gpuOthersBytes >= muchGpuBytes
      ? [`programs that use the GPU (${formatBytes(gpuOthersBytes)} in use)`]
      : []),
  ]
  return holders.length > 0
    ? unknown(`${said}; the rest may be held by ${holders.join(', ')}`, look)
    : warn(
        `${said}; no program that holds a model was found`,
        'End programs that use the GPU; what stays wired then comes back only with a restart of the Mac.',
      )
}

/** Programs that hold models, by their file or their app; `llama` is llama.cpp's one program for all. */
const enginePath =
  /(?:^|\/)(?:llama-server|llama-cli|llama|ollama|llamafile[\w.-]*|koboldcpp[\w.-]*|mlx_lm[\w.-]*)$|\/(?:LM Studio|Ollama|Jan|GPT4All|Msty)\.app\//

/** `ps -axo pid=,comm=`: on macOS comm is the path by which it was started, which may hold blanks or be the bare name. */
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

/** The engine of the seed's start script runs in a session of this name. */
const engineSession = 'ai-engine'

const describeOwner = (port: number, owner: ForeignProcess): string =>
  `${owner.command ?? 'a process of another user'} on port ${port}${owner.pid === null ? '' : ` (pid ${owner.pid})`}`

const readOthers = async (context: DoctorContext, ownPid: number | null): Promise<readonly string[]> => {
  const { platform, run, chosen } = context
  const { port } = chosen.profile.llamaServer
  const ownPids = ownPid === null ? [] : [ownPid, ...(await platform.processes.readGroupMembers(ownPid))]
  const [owner, screens, processes] = await Promise.all([
    platform.processes.readPortOwner(port),
    run(['screen', '-ls'], { timeoutMs: 2_000 }),
    run(['ps', '-axo', 'pid=,comm='], { timeoutMs: 2_000 }),
  ])
  const sessions =
    screens.kind === 'exited' ? (parseScreenList(`${screens.stdout}\n${screens.stderr}`) ?? []) : []
  const isForeign = owner !== null && (owner.pid === null || !ownPids.includes(owner.pid))
  const known = isForeign && owner.pid !== null ? [...ownPids, owner.pid] : ownPids
  return [
    ...(isForeign ? [describeOwner(port, owner)] : []),
    ...sessions
      .filter((session) => session.name === engineSession && isLiveSession(session))
      .map(({ name, pid }) => `the screen session ${pid}.${name}`),
    ...(processes.kind === 'exited' ? findEngines(processes.stdout, known) : []),
  ]
}

/** All of it, used or not: blocks of deleted files stay wired until it is detached. */
const sizeHeldByKernel = (backing: RamDiskBacking | null, disk: RamDisk | null, sizeBytes: number): number =>
  backing?.kind === 'kernel' ? (disk?.totalBytes ?? sizeBytes) : 0

export const checksOnWired = (context: DoctorContext, facts: DoctorFacts): readonly CheckSource[] => [
  {
    id: 'memory.wired',
    group: 'Memory',
    title: 'Wired memory',
    why: 'wired memory can neither be swapped nor compressed: it is gone for everybody else',
    read: async () => {
      const { wiredBytes, totalBytes } = await facts.memory()
      if (wiredBytes === null) return null
      const [reading, running] = await Promise.all([facts.memoryPlan(), facts.running()])
      const own = running.find(({ service }) => service === 'llamaServer') ?? null
      const plan = reading.kind === 'planned' ? reading.plan : null
      if (own !== null && plan === null) return unknown('no memory plan to compare it with', 'nexus plan')
      const [disk, backing, gpu, others] = await Promise.all([
        facts.ramDisk().catch(() => null),
        facts.ramDiskBacking().catch(() => null),
        context.platform.readGpuUse().catch(() => null),
        readOthers(context, own?.pid ?? null),
      ])
      return judgeWired({
        wiredBytes,
        totalBytes,
        modelBytes: own === null ? 0 : (plan?.gpu.neededBytes ?? 0),
        kernelDiskBytes: sizeHeldByKernel(backing, disk, facts.spec.sizeBytes),
        gpuUsedBytes: gpu?.usedBytes ?? null,
        others,
      })
    },
  },
]
