// Reads everything at two cadences, watched and idle: one request in flight per source, and no old reading shown as new.

import { historyStepMs } from '../../contract/history.ts'
import type { Memory, RamDisk } from '../../contract/snapshot.ts'
import { within } from '../base/first-of.ts'
import type { Reading } from '../base/reading.ts'
import type { EngineReading, LlamaWatch } from '../engine/llama-watch.ts'
import type { HealthCheck } from '../supervise/supervised-child.ts'

export interface EngineSource extends Pick<LlamaWatch, 'read' | 'current'> {
  /** The serving process; readings of another one don't apply to it. */
  readonly pid: number | null
}

export interface PollerSources {
  /** null while the AI Engine does not serve; it is not asked then. */
  readonly engine: () => EngineSource | null
  /** Of the services that serve now. */
  readonly healthChecks: () => readonly HealthCheck[]
  readonly memory: () => Promise<Memory>
  readonly ramDisk: () => Promise<RamDisk>
  /** Asks the other Studios, each at most once at a time. */
  readonly nodes: () => Promise<void>
  /** The cheap end-to-end check. */
  readonly recheckProof: () => Promise<void>
}

export type Poller = ReturnType<typeof createPoller>

/** The design's cadences: about 1 Hz while watched, slower otherwise. */
const watchedMs = 1_000
const idleMs = historyStepMs
/** How often to read a busy AI Engine while unwatched: the notice "full" needs several looks. */
const busyMs = 2_000
/** llama-server answers /health within 10 ms even during a prefill (measured), so seconds mean trouble. */
const probeTimeoutMs = 3_000
/** /slots and /metrics may take as long as one prefill batch: 8 s on a CPU with b10068, about 20 s expected for a 70B. */
const readTimeoutMs = 60_000
/** Readings closer together than this would turn noise into rates. */
const tooSoonMs = 400
const freshWaitMs = 1_500
const recheckWatchedMs = 15_000
const recheckIdleMs = 60_000

/** @param sources those of the profile in use */
export const createPoller = (sources: () => PollerSources, onReading: () => void) => {
  let watched = false
  let closed = false
  let timer: NodeJS.Timeout | null = null
  let busyTimer: NodeJS.Timeout | null = null
  // A monotonic clock: if the wall clock were set back an hour, nothing would be due for an hour.
  let lastTickMs = Number.NEGATIVE_INFINITY
  let lastRecheckMs = performance.now()
  let looking: Promise<void> = Promise.resolve()
  let memory: Reading<Memory> | null = null
  let ramDisk: Reading<RamDisk> | null = null
  let engineAskedAt: number | null = null
  /** Which process answered last, and when; the source keeps the answer. */
  let engineAnswer: { readonly pid: number | null; readonly takenAt: number } | null = null

  const at = <T>(value: T): Reading<T> => ({ value, takenAt: Date.now() })

  const inFlight = new Set<string>()
  /** Never asks a slow server twice at once: a call while one is running returns without waiting for it. */
  const once = async (name: string, work: () => Promise<void>): Promise<void> => {
    if (inFlight.has(name)) return
    inFlight.add(name)
    await work().finally(() => inFlight.delete(name))
  }

  const readEngine = () =>
    once('engine', async () => {
      const engine = sources().engine()
      if (engine === null) {
        engineAnswer = null
        return
      }
      engineAskedAt = Date.now()
      await engine.read(AbortSignal.timeout(readTimeoutMs)).finally(() => {
        engineAskedAt = null
      })
      engineAnswer = { pid: engine.pid, takenAt: Date.now() }
    })

  const recheck = async () => {
    const due = watched ? recheckWatchedMs : recheckIdleMs
    if (performance.now() - lastRecheckMs < due) return
    lastRecheckMs = performance.now()
    await sources().recheckProof()
  }

  const tick = (): Promise<unknown> => {
    lastTickMs = performance.now()
    const { healthChecks, memory: readMemory, ramDisk: readRamDisk, nodes } = sources()
    return Promise.allSettled([
      once('memory', async () => {
        memory = at(await readMemory())
      }),
      once('ramDisk', async () => {
        ramDisk = at(await readRamDisk())
      }),
      nodes(),
      ...healthChecks().map(({ id, probe, report }) =>
        once(`health of ${id}`, async () => report(await probe(AbortSignal.timeout(probeTimeoutMs)))),
      ),
      readEngine(),
      once('proof', recheck),
    ])
  }

  const schedule = () => {
    if (timer !== null) clearTimeout(timer)
    if (closed) return
    const sinceTickMs = performance.now() - lastTickMs
    const nowMs = Date.now()
    const waitMs = watched
      ? watchedMs - sinceTickMs
      : middleOfStepAfter(nowMs - sinceTickMs + tooSoonMs) - nowMs
    timer = setTimeout(beat, Math.max(0, waitMs))
  }

  /** The last answer of the process that serves now. */
  const engineSaid = (): (EngineReading & { readonly takenAt: number }) | null => {
    const engine = sources().engine()
    const said = engine?.current() ?? null
    return said === null || engineAnswer === null || engineAnswer.pid !== engine?.pid
      ? null
      : { ...said, takenAt: engineAnswer.takenAt }
  }

  const isWorking = () => {
    const said = engineSaid()
    return (said?.queue?.processing ?? 0) > 0 || (said?.slots?.some(({ phase }) => phase !== 'idle') ?? false)
  }

  const scheduleBusy = () => {
    if (busyTimer !== null) clearTimeout(busyTimer)
    if (!closed && !watched && isWorking()) busyTimer = setTimeout(lookAtEngine, busyMs)
  }

  const lookAtEngine = async () => {
    await within(readEngine(), freshWaitMs)
    scheduleBusy()
    if (!closed) onReading()
  }

  const look = async (): Promise<void> => {
    if (busyTimer !== null) clearTimeout(busyTimer)
    const ticked = tick()
    schedule()
    // A slow answer must not delay the others: publish what arrives within the wait, the rest later.
    await within(ticked, freshWaitMs)
    scheduleBusy()
    if (!closed) onReading()
  }

  const beat = () => {
    looking = look()
  }

  schedule()

  return {
    latest: () => {
      const said = engineSaid()
      const live = <T>(value: T | null): Reading<T> | null =>
        said === null || value === null ? null : { value, takenAt: said.takenAt }
      return {
        memory,
        ramDisk,
        slots: live(said?.slots ?? null),
        /** null when unknown. */
        tasks: said?.tasks ?? null,
        queue: live(said?.queue ?? null),
        throughput: live(said?.throughput ?? null),
        /** When the request was sent that llama-server has not answered yet; null when there is none. */
        engineAskedAt,
      }
    },
    /** How old a reading may be at this cadence and still count as live. */
    maxAgeMs: () => (watched ? watchedMs : idleMs) + 2_000,
    setWatched: (next: boolean): void => {
      if (next === watched) return
      watched = next
      schedule()
    },
    /** Reads now, unless it did a moment ago. Settles after `onReading`, when all have answered or `freshWaitMs` is over. */
    refresh: async (): Promise<void> => {
      if (performance.now() - lastTickMs >= tooSoonMs) beat()
      await looking
    },
    close: (): void => {
      closed = true
      if (timer !== null) clearTimeout(timer)
      if (busyTimer !== null) clearTimeout(busyTimer)
    },
  }
}

/** Idle looks fall in the middle of the history's steps, so that one a few ms late leaves no step empty. */
const middleOfStepAfter = (at: number): number => {
  const half = idleMs / 2
  return Math.ceil((at - half) / idleMs) * idleMs + half
}
