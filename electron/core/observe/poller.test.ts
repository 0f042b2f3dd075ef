// The poller: one question in flight each, nothing slow in the way of the others, nothing old passed off as new.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { historyStepMs } from '../../contract/history.ts'
import type { Memory, RamDisk, Slot } from '../../contract/snapshot.ts'
import { sampleReadings } from '../../contract/test-support/sample-snapshot.ts'
import type { EngineReading } from '../engine/llama-watch.ts'
import type { ProbeResult } from '../supervise/child-service.ts'
import { createPoller, type Poller, type PollerSources } from './poller.ts'
import { foldSnapshot } from './snapshot.ts'

const memoryOf = (usedBytes: number): Memory => ({
  totalBytes: 1000,
  usedBytes,
  availableBytes: 1000 - usedBytes,
  wiredBytes: null,
  compressedBytes: null,
  swapUsedBytes: 0,
  swapOutBytesPerSecond: null,
  pressure: null,
  gpuLimitBytes: null,
  cpuPercent: null,
})
const disk: RamDisk = { mountPoint: '/mnt', mounted: true, kind: 'tmpfs', totalBytes: 9, usedBytes: 1 }
const slotAt = (tokensPerSecond: number): Slot => ({
  id: 0,
  phase: 'generating',
  contextTokens: 10,
  contextLimit: 100,
  promptTokens: 5,
  promptProcessed: 5,
  prefillProgress: null,
  generatedTokens: 5,
  tokensPerSecond,
  speculative: false,
  developer: null,
})
const readingAt = (tokensPerSecond: number): EngineReading => ({
  slots: [slotAt(tokensPerSecond)],
  queue: { processing: 1, deferred: 2 },
  throughput: {
    generationTokensPerSecond: tokensPerSecond,
    promptTokensPerSecond: null,
    draftAcceptance: null,
    tokensGeneratedTotal: 5,
  },
})
const silent: EngineReading = { slots: null, queue: null, throughput: null }

/** Questions that stay open until the test answers them. */
const createDesk = <T>() => {
  const open: { answer: (value: T) => void; fail: (error: Error) => void }[] = []
  let times = 0
  let mostAtOnce = 0
  return {
    ask: (): Promise<T> => {
      times += 1
      return new Promise<T>((resolve, reject) => {
        open.push({ answer: resolve, fail: reject })
        mostAtOnce = Math.max(mostAtOnce, open.length)
      })
    },
    answer: async (value: T) => {
      const next = open.shift()
      if (next === undefined) throw new Error('there is no open question')
      next.answer(value)
      await vi.advanceTimersByTimeAsync(0)
    },
    fail: async () => {
      open.shift()?.fail(new Error('broken'))
      await vi.advanceTimersByTimeAsync(0)
    },
    counts: () => ({ times, open: open.length, mostAtOnce }),
  }
}

const pollers: Poller[] = []
beforeEach(() => {
  vi.useFakeTimers({ now: 1_700_000_000_000 })
})
afterEach(() => {
  for (const poller of pollers.splice(0)) poller.close()
  vi.useRealTimers()
})

const setUp = (change: Partial<PollerSources> = {}) => {
  const engine = createDesk<EngineReading>()
  const memory = createDesk<Memory>()
  const reports: ProbeResult[] = []
  const world = {
    current: readingAt(1),
    used: 0,
    engineServes: true,
    pid: 1,
    rechecks: 0,
    published: 0,
  }
  const sources: PollerSources = {
    engine: () =>
      world.engineServes
        ? {
            pid: world.pid,
            read: async () => {
              world.current = await engine.ask()
              return world.current
            },
            current: () => world.current,
          }
        : null,
    healthChecks: () => [
      {
        id: 'llamaServer',
        probe: async () => ({ state: 'ready' }),
        report: (result) => reports.push(result),
      },
    ],
    nodes: async () => {},
    memory: async () => {
      world.used += 1
      return memoryOf(world.used)
    },
    ramDisk: async () => disk,
    recheckProof: async () => {
      world.rechecks += 1
    },
    ...change,
  }
  const poller = createPoller(
    () => sources,
    () => {
      world.published += 1
    },
  )
  pollers.push(poller)
  /** What a client would be shown at this moment. */
  const fold = () => foldSnapshot({ ...sampleReadings, ...poller.latest() }, Date.now(), poller.maxAgeMs())
  return { poller, engine, memory, reports, world, fold }
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)

describe('the cadence', () => {
  it('is 5 s unwatched and 1 s watched', async () => {
    const { poller, world } = setUp({ engine: () => null })
    await pass(13_000)
    expect(world.used).toBe(4)
    poller.setWatched(true)
    await pass(4_000)
    expect(world.used).toBe(8)
    poller.setWatched(false)
    await pass(10_000)
    expect(world.used).toBe(10)
  })

  it('comes in the middle of the steps of the history while unwatched', async () => {
    const phases: number[] = []
    setUp({
      engine: () => null,
      memory: async () => {
        phases.push(Date.now() % historyStepMs)
        return memoryOf(1)
      },
    })
    await pass(21_000)
    expect(phases).toEqual([0, 2_500, 2_500, 2_500, 2_500])
  })

  it('reads a working engine, and only that, every 2 s while unwatched', async () => {
    const { engine, world } = setUp()
    await pass(0)
    await engine.answer(readingAt(1))
    const { used } = world
    await pass(2_000)
    expect(engine.counts().times).toBe(2)
    expect(world.used).toBe(used)
    const idle = {
      ...readingAt(0),
      slots: [{ ...slotAt(0), phase: 'idle' as const }],
      queue: { processing: 0, deferred: 0 },
    }
    await engine.answer(idle)
    // At 2.5 s with all the others, and then, since nothing works any more, not before the next of those.
    await pass(500)
    await engine.answer(idle)
    await pass(4_500)
    expect(engine.counts().times).toBe(3)
  })

  it('ends with close, and publishes no more', async () => {
    const { poller, world } = setUp({ engine: () => null })
    await pass(100)
    poller.close()
    const { published, used } = world
    await pass(60_000)
    expect(world).toMatchObject({ published, used })
  })

  it('goes on as before when the clock is set back by an hour', async () => {
    const { poller, world, fold } = setUp({ engine: () => null })
    await pass(10_000)
    vi.setSystemTime(Date.now() - 3_600_000)
    const { used } = world
    expect(fold().memory).toBeNull()
    await poller.refresh()
    expect(world.used).toBe(used + 1)
    expect(fold().memory).not.toBeNull()
    poller.setWatched(true)
    await pass(4_000)
    expect(world.used).toBe(used + 5)
    await pass(56_000)
    expect(world.rechecks).toBeGreaterThanOrEqual(3)
  })

  it('rechecks the proof every 15 s when watched, every 60 s when not', async () => {
    const { poller, world } = setUp({ engine: () => null })
    await pass(59_000)
    expect(world.rechecks).toBe(0)
    await pass(4_000)
    expect(world.rechecks).toBe(1)
    poller.setWatched(true)
    await pass(60_000)
    expect(world.rechecks).toBe(5)
  })
})

describe('a llama-server that is slow to answer', () => {
  it('has one question at a time, and delays nothing else', async () => {
    const { poller, engine, reports, world, fold } = setUp()
    poller.setWatched(true)
    await pass(0)
    await engine.answer(readingAt(1))
    await pass(10_000)
    expect(engine.counts()).toEqual({ times: 2, open: 1, mostAtOnce: 1 })
    expect(world.used).toBe(11)
    expect(reports).toHaveLength(11)
    expect(fold()).toMatchObject({ memory: { usedBytes: 11 }, ramDisk: { mounted: true } })
  })

  it('holds up one publication, not those after it', async () => {
    const { poller, world } = setUp()
    poller.setWatched(true)
    // The first waits for a fresh answer until 1.5 s; the others are published as they are read.
    await pass(1_400)
    expect(world.published).toBe(1)
    await pass(700)
    expect(world.published).toBe(3)
    await pass(1_000)
    expect(world.published).toBe(4)
  })

  it('keeps showing the busy slots, without rates, until it answers', async () => {
    const { poller, engine, fold } = setUp()
    poller.setWatched(true)
    await pass(0)
    await engine.answer(readingAt(12.5))
    expect(fold()).toMatchObject({
      slots: [{ tokensPerSecond: 12.5 }],
      throughput: { tokensGeneratedTotal: 5 },
    })
    await pass(8_000)
    expect(fold()).toMatchObject({
      slots: [{ phase: 'generating', tokensPerSecond: null }],
      queue: { processing: 1, deferred: 2 },
      throughput: null,
    })
    await engine.answer(readingAt(7))
    expect(fold().throughput?.generationTokensPerSecond).toBe(7)
  })

  it('is unknown once it has answered nothing', async () => {
    const { poller, engine, fold } = setUp()
    poller.setWatched(true)
    await pass(0)
    await engine.answer(readingAt(1))
    await pass(1_000)
    await engine.answer(silent)
    expect(fold()).toMatchObject({ slots: null, queue: null, throughput: null })
  })

  it('owes nothing any more when the reading throws, and is asked again', async () => {
    const { poller, engine, fold } = setUp()
    poller.setWatched(true)
    await pass(0)
    await engine.answer(readingAt(1))
    await pass(1_000)
    await engine.fail()
    expect(poller.latest().engineAskedAt).toBeNull()
    await pass(1_000)
    expect(engine.counts()).toEqual({ times: 3, open: 1, mostAtOnce: 1 })
    await engine.answer(silent)
    await pass(10_000)
    expect(fold().slots).toBeNull()
  })

  it('shows the slots with what the log has said since the answer', async () => {
    const { engine, world, fold } = setUp()
    await pass(0)
    await engine.answer(readingAt(1))
    world.current = {
      ...readingAt(1),
      slots: [{ ...slotAt(1), phase: 'prefill', prefillProgress: 0.4 }],
    }
    expect(fold().slots).toMatchObject([{ phase: 'prefill', prefillProgress: 0.4 }])
  })

  it('has no slots, whatever the log says, before its first answer', async () => {
    const { poller } = setUp()
    await pass(5_000)
    expect(poller.latest().slots).toBeNull()
  })
})

describe('what is old', () => {
  it('is null: memory that can no longer be read', async () => {
    let reads = 0
    const { poller, fold } = setUp({
      memory: () => {
        reads += 1
        return reads === 1 ? Promise.resolve(memoryOf(1)) : Promise.reject(new Error('gone'))
      },
    })
    poller.setWatched(true)
    await pass(2_900)
    expect(fold().memory).not.toBeNull()
    await pass(200)
    expect(fold().memory).toBeNull()
    // It is still asked for: one failure ends nothing.
    expect(reads).toBe(4)
  })

  it('is null: a RAM disk whose reading hangs', async () => {
    let reads = 0
    const { poller, fold } = setUp({
      ramDisk: () => {
        reads += 1
        return reads === 1 ? Promise.resolve(disk) : new Promise(() => {})
      },
    })
    poller.setWatched(true)
    await pass(10_000)
    expect(fold().ramDisk).toBeNull()
    expect(fold().memory).not.toBeNull()
    expect(reads).toBe(2)
  })

  it('is null: all of a server that does not serve any more', async () => {
    const { poller, engine, world } = setUp()
    poller.setWatched(true)
    await pass(0)
    await engine.answer(readingAt(1))
    world.engineServes = false
    await pass(1_000)
    await engine.answer(readingAt(2)).catch(() => {})
    await pass(1_000)
    expect(poller.latest()).toMatchObject({ slots: null, queue: null, throughput: null, engineAskedAt: null })
  })
})

describe('another process', () => {
  it('is not shown with what the one before said', async () => {
    const { poller, engine, world, fold } = setUp()
    poller.setWatched(true)
    await pass(0)
    await engine.answer(readingAt(1))
    expect(fold().throughput).not.toBeNull()
    // Crashed and back within one beat.
    world.pid = 2
    expect(fold()).toMatchObject({ slots: null, queue: null, throughput: null })
    await pass(1_000)
    await engine.answer(readingAt(2))
    expect(fold().throughput?.generationTokensPerSecond).toBe(2)
  })

  it('does not inherit the answer that was on its way', async () => {
    const { engine, world, fold } = setUp()
    await pass(0)
    world.pid = 2
    await engine.answer(readingAt(1))
    expect(fold()).toMatchObject({ slots: null, queue: null, throughput: null })
  })
})

describe('refresh', () => {
  it('reads again for a single request', async () => {
    const { poller, world, engine } = setUp()
    await pass(0)
    await engine.answer(readingAt(1))
    await pass(2_000)
    const refreshed = poller.refresh()
    await engine.answer(readingAt(2))
    await refreshed
    expect(world.used).toBe(2)
    expect(poller.latest().throughput?.value.generationTokensPerSecond).toBe(2)
  })

  it('does not read twice in a moment, but waits for what is being read', async () => {
    const { poller, world, engine } = setUp()
    await pass(0)
    let over = false
    const refreshed = poller.refresh().then(() => {
      over = true
    })
    await pass(100)
    expect(over).toBe(false)
    await engine.answer(readingAt(1))
    await refreshed
    expect(world.used).toBe(1)
    expect(engine.counts().times).toBe(1)
  })

  it('does not wait for a slow server for ever', async () => {
    const { poller } = setUp()
    await pass(1_000)
    let over = false
    const refreshed = poller.refresh().then(() => {
      over = true
    })
    await pass(1_500)
    await refreshed
    expect(over).toBe(true)
  })
})
