import { describe, expect, it } from 'vitest'
import { ThroughputSchema } from '../../contract/snapshot.ts'
import type { LlamaMetrics } from './llama-answers.ts'
import { type ActiveTask, createSlotTracker } from './llama-slot-tracker.ts'
import { createThroughputTracker, type ThroughputReading } from './llama-throughput.ts'
import { readRecording } from './test-support/llama-recording.ts'

const metricsOf = (predicted: number, changes: Partial<LlamaMetrics> = {}): LlamaMetrics => ({
  promptTokensTotal: 0,
  tokensPredictedTotal: predicted,
  tokensPredictedStep: 1,
  requestsProcessing: 0,
  requestsDeferred: 0,
  draftTokensTotal: null,
  draftAcceptedTotal: null,
  ...changes,
})

const active = (taskId: number, decoded: number): ActiveTask => ({ slotId: 0, taskId, decoded })

/** A reading whose two answers came at the same time. */
const at = (atMs: number, reading: Pick<ThroughputReading, 'metrics' | 'active'>): ThroughputReading => ({
  atMs,
  metricsAtMs: atMs,
  prefilling: false,
  ...reading,
})

/** Each row: predicted total, tasks; null: no answer. One second apart. Gives the rates and the last total. */
function run(
  rows: readonly (readonly [number | null, readonly ActiveTask[] | null])[],
  tokensPredictedStep = 1,
) {
  const tracker = createThroughputTracker()
  const results = rows.map(([predicted, active], second) =>
    tracker.observe(
      at(second * 1000, {
        metrics: predicted === null ? null : metricsOf(predicted, { tokensPredictedStep }),
        active,
      }),
    ),
  )
  return {
    rates: results.map((result) => result?.generationTokensPerSecond ?? null),
    total: results.at(-1)?.tokensGeneratedTotal,
  }
}

describe('createThroughputTracker', () => {
  it('counts running requests live, and their ends from the counter', () => {
    const rows = [
      [100, []],
      [100, [active(1, 20)]],
      [100, [active(1, 50)]],
      [180, []],
      [180, []],
    ] as const
    expect(run(rows)).toEqual({ rates: [null, 20, 30, 30, 0], total: 180 })
  })

  it('counts a request that ends between /metrics and /slots once', () => {
    const rows = [
      [0, []],
      [0, [active(1, 30)]],
      [0, []],
      [40, []],
      [40, []],
    ] as const
    expect(run(rows)).toEqual({ rates: [null, 30, 0, 10, 0], total: 40 })
  })

  it('counts a request that ends between /slots and /metrics once, if they are read in that order', () => {
    const rows = [
      [0, []],
      [0, [active(1, 30)]],
      [40, [active(1, 38)]],
      [40, []],
      [40, []],
    ] as const
    const { rates, total } = run(rows)
    expect(total).toBe(40)
    expect(Math.max(...rates.map((rate) => rate ?? 0))).toBeLessThanOrEqual(30)
  })

  it('counts a cancelled request, which the counter never includes', () => {
    const rows = [
      [0, []],
      [0, [active(1, 30)]],
      [0, []],
      [0, []],
      [0, [active(2, 10)]],
      [25, []],
    ] as const
    expect(run(rows)).toEqual({ rates: [null, 30, 0, 0, 10, 15], total: 55 })
  })

  it('counts requests that no /slots reading saw', () => {
    expect(
      run([
        [0, []],
        [8, []],
        [8, []],
      ]),
    ).toEqual({ rates: [null, 8, 0], total: 8 })
    const beside = run([
      [0, [active(1, 100)]],
      [8, [active(1, 110)]],
      [8, [active(1, 120)]],
    ])
    expect(beside.total).toBe(128)
  })

  it('counts on where the counter was not read', () => {
    const rows = [
      [0, []],
      [null, [active(1, 20)]],
      [null, []],
      [null, [active(2, 5)]],
      [25, [active(2, 25)]],
      [25, [active(2, 45)]],
    ] as const
    expect(run(rows).total).toBe(70)
  })

  it('is null before the total is known, and has no rate from the first total', () => {
    const tracker = createThroughputTracker()
    expect(tracker.observe(at(0, { metrics: null, active: [active(1, 5)] }))).toBeNull()
    expect(tracker.observe(at(1000, { metrics: metricsOf(9000), active: [active(1, 9)] }))).toMatchObject({
      generationTokensPerSecond: null,
      tokensGeneratedTotal: 9009,
    })
    expect(tracker.observe(at(2000, { metrics: null, active: [active(1, 29)] }))).toMatchObject({
      generationTokensPerSecond: 20,
    })
    expect(tracker.observe(at(3000, { metrics: null, active: null }))).toMatchObject({
      generationTokensPerSecond: null,
      promptTokensPerSecond: null,
      tokensGeneratedTotal: 9029,
    })
  })

  it('has no rate until /slots answers after the first total', () => {
    const rows = [
      [null, []],
      [9000, null],
      [9000, []],
      [9000, [active(1, 30)]],
    ] as const
    expect(run(rows).rates).toEqual([null, null, null, 30])
  })

  it('does not count again what ended before the first total', () => {
    const rows = [
      [null, [active(1, 30)]],
      [null, []],
      [40, []],
      [50, []],
    ] as const
    expect(run(rows)).toEqual({ rates: [null, null, null, 10], total: 50 })
  })

  it('counts once what ends while only /metrics answers', () => {
    const rows = [
      [0, [active(1, 30)]],
      [60, null],
      [60, null],
      [60, []],
      [60, []],
    ] as const
    expect(run(rows)).toEqual({ rates: [null, null, null, 10, 0], total: 60 })
  })

  it('counts nothing twice when the count of a task goes back', () => {
    const rows = [
      [0, []],
      [0, [active(1, 30)]],
      [0, [active(1, 20)]],
      [0, [active(1, 35)]],
      [35, []],
    ] as const
    expect(run(rows)).toEqual({ rates: [null, 30, 0, 5, 0], total: 35 })
  })

  it('does not count what may be the rounding of a counter in tens', () => {
    // Requests of 14, 10 and 20 tokens, the last two between two looks.
    const rows = [
      [1_000_000, []],
      [1_000_000, [active(1, 14)]],
      [1_000_010, []],
      [1_000_010, []],
      [1_000_020, []],
      [1_000_040, []],
    ] as const
    expect(run(rows, 10)).toEqual({ rates: [null, 14, 0, 0, 0, 17], total: 1_000_031 })
    expect(run(rows, 1)).toEqual({ rates: [null, 14, 0, 0, 10, 20], total: 1_000_044 })
  })

  it('counts what came beside a running request at the next look, but for the rounding', () => {
    const rows = [
      [1_000_000, [active(1, 30)]],
      [1_000_040, [active(1, 40)]],
      [1_000_040, [active(1, 50)]],
    ] as const
    expect(run(rows, 1)).toEqual({ rates: [null, 10, 50], total: 1_000_090 })
    expect(run(rows, 10)).toEqual({ rates: [null, 10, 41], total: 1_000_081 })
  })

  it('starts over when the counters fall: a new server', () => {
    const tracker = createThroughputTracker()
    tracker.observe(at(0, { metrics: metricsOf(500), active: [] }))
    tracker.observe(at(1000, { metrics: metricsOf(520), active: [] }))
    expect(tracker.observe(at(2000, { metrics: metricsOf(3), active: [active(1, 4)] }))).toMatchObject({
      generationTokensPerSecond: null,
      promptTokensPerSecond: null,
      tokensGeneratedTotal: 7,
    })
  })

  it('starts over when only the prompt counter falls, and not when a counter is missing', () => {
    const tracker = createThroughputTracker()
    const total = (atMs: number, predicted: number, promptTokensTotal: number | null) =>
      tracker.observe(
        at(atMs, { metrics: metricsOf(predicted, { promptTokensTotal }), active: [active(1, 30)] }),
      )?.tokensGeneratedTotal
    expect(total(0, 0, 100)).toBe(30)
    // Of the 40, up to 30 may be those of the running request.
    expect(total(1000, 40, null)).toBe(40)
    expect(total(2000, 40, 100)).toBe(70)
    expect(total(3000, 41, 99)).toBe(71)
  })

  it('knows no total from a server without the counter', () => {
    const tracker = createThroughputTracker()
    const metrics = { ...metricsOf(0), tokensPredictedTotal: null }
    expect(tracker.observe(at(0, { metrics, active: [active(1, 30)] }))).toBeNull()
    expect(tracker.observe(at(1000, { metrics: metricsOf(70), active: [active(1, 40)] }))).toMatchObject({
      generationTokensPerSecond: null,
      tokensGeneratedTotal: 110,
    })
  })

  it('counts on when the counter is missing once', () => {
    const tracker = createThroughputTracker()
    const total = (atMs: number, tokensPredictedTotal: number | null, tasks: readonly ActiveTask[]) =>
      tracker.observe(at(atMs, { metrics: { ...metricsOf(0), tokensPredictedTotal }, active: tasks }))
        ?.tokensGeneratedTotal
    expect(total(0, 100, [active(1, 30)])).toBe(130)
    // Cancelled: the counter never gets its tokens.
    expect(total(1000, 100, [])).toBe(130)
    expect(total(2000, null, [])).toBeUndefined()
    expect(total(3000, 100, [])).toBe(130)
  })

  it('forgets everything of the process before a reset', () => {
    const tracker = createThroughputTracker()
    tracker.addDraftResult({ accepted: 67, generated: 94 })
    const counted = { promptTokensTotal: 100, draftTokensTotal: 50, draftAcceptedTotal: 10 }
    tracker.observe(at(0, { metrics: metricsOf(500, counted), active: [active(1, 40)] }))
    tracker.reset()
    expect(tracker.observe(at(1000, { metrics: null, active: [] }))).toBeNull()
    expect(
      tracker.observe(at(2000, { metrics: metricsOf(20, { promptTokensTotal: 300 }), active: [] })),
    ).toEqual({
      generationTokensPerSecond: null,
      promptTokensPerSecond: null,
      draftAcceptance: null,
      tokensGeneratedTotal: 20,
    })
    tracker.addDraftResult({ accepted: 1, generated: 4 })
    expect(tracker.observe(at(3000, { metrics: null, active: [] }))?.draftAcceptance).toBe(0.25)
  })

  it('has no rate from two readings of the same instant', () => {
    const tracker = createThroughputTracker()
    tracker.observe(at(1000, { metrics: metricsOf(0), active: [] }))
    expect(
      tracker.observe(at(1000, { metrics: metricsOf(9), active: [] }))?.generationTokensPerSecond,
    ).toBeNull()
    expect(tracker.observe(at(2000, { metrics: metricsOf(9), active: [] }))?.generationTokensPerSecond).toBe(
      9,
    )
  })

  it('takes prompt speed from the counter', () => {
    const tracker = createThroughputTracker()
    tracker.observe(at(0, { metrics: metricsOf(0, { promptTokensTotal: 100 }), active: [] }))
    const result = tracker.observe(
      at(4000, { metrics: metricsOf(0, { promptTokensTotal: 2148 }), active: [] }),
    )
    expect(result?.promptTokensPerSecond).toBe(512)
  })

  it('has no prompt speed where one of two answers is missing or lacks the counter', () => {
    const tracker = createThroughputTracker()
    const speed = (atMs: number, promptTokensTotal: number | null) =>
      tracker.observe(at(atMs, { metrics: metricsOf(0, { promptTokensTotal }), active: [] }))
        ?.promptTokensPerSecond
    expect(speed(0, 100)).toBeNull()
    expect(speed(1000, null)).toBeNull()
    expect(speed(2000, 300)).toBeNull()
    expect(speed(3000, 500)).toBe(200)
    expect(tracker.observe(at(4000, { metrics: null, active: [] }))?.promptTokensPerSecond).toBeNull()
    expect(speed(5000, 1500)).toBe(500)
    // As when the clock stood still.
    expect(speed(5000, 1600)).toBeNull()
  })

  it("uses the time of the prompt counter's own answer, and is not 0 during a prefill", () => {
    const tracker = createThroughputTracker()
    const read = (metricsAtMs: number, atMs: number, promptTokensTotal: number, prefilling: boolean) =>
      tracker.observe({
        atMs,
        metricsAtMs,
        prefilling,
        metrics: metricsOf(0, { promptTokensTotal }),
        active: [],
      })?.promptTokensPerSecond
    read(0, 0, 0, false)
    expect(read(1000, 60_000, 0, true)).toBeNull()
    expect(read(61_000, 61_000, 1200, false)).toBe(20)
    expect(read(62_000, 62_000, 1200, false)).toBe(0)
    expect(read(63_000, 63_000, 1300, true)).toBe(100)
  })

  it('takes draft acceptance from the counters, else from the log, else from nowhere', () => {
    const tracker = createThroughputTracker()
    const read = (metrics: LlamaMetrics) => tracker.observe(at(0, { metrics, active: [] }))?.draftAcceptance
    expect(read(metricsOf(0))).toBeNull()
    tracker.addDraftResult({ accepted: 67, generated: 94 })
    tracker.addDraftResult({ accepted: 3, generated: 6 })
    expect(read(metricsOf(0))).toBe(0.7)
    expect(read(metricsOf(0, { draftTokensTotal: 50, draftAcceptedTotal: 10 }))).toBe(0.2)
    expect(read(metricsOf(0, { draftTokensTotal: 0, draftAcceptedTotal: 0 }))).toBeNull()
    for (const half of [{ draftTokensTotal: 50 }, { draftAcceptedTotal: 10 }])
      expect(read(metricsOf(0, half))).toBe(0.7)
    // Two counters of one answer may be of two moments.
    expect(read(metricsOf(0, { draftTokensTotal: 50, draftAcceptedTotal: 51 }))).toBe(1)
  })

  it.each([
    ['llama-b10434-six-chats.jsonl', 120],
    ['llama-b10068-six-chats.jsonl', 40],
  ])('replays %s: every token once and no spike', (name, mostPerSecond) => {
    const slots = createSlotTracker()
    const tracker = createThroughputTracker()
    let counted = 0
    let last: { atMs: number; total: number } | null = null
    for (const reading of readRecording(name)) {
      const { active: tasks } = slots.applySlots(reading.slots, reading.atMs)
      const result = tracker.observe(at(reading.atMs, { metrics: reading.metrics ?? null, active: tasks }))
      if (result === null) continue
      ThroughputSchema.parse(result)
      expect(result.generationTokensPerSecond ?? 0).toBeLessThan(mostPerSecond)
      expect(result.tokensGeneratedTotal).toBeGreaterThanOrEqual(last?.total ?? 0)
      counted +=
        ((result.generationTokensPerSecond ?? 0) * (reading.atMs - (last?.atMs ?? reading.atMs))) / 1000
      last = { atMs: reading.atMs, total: result.tokensGeneratedTotal }
    }
    const final = readRecording(name).findLast((reading) => reading.metrics)
    const still = slots.current().active.reduce((sum, { decoded }) => sum + decoded, 0)
    expect(last?.total).toBe((final?.metrics?.tokensPredictedTotal ?? 0) + still)
    expect(Math.round(counted)).toBe(last?.total)
  })
})

describe('createThroughputTracker against a simulated server', () => {
  /** Four slots at 30 tokens/s each, requests of random length; readings half a period apart at worst. */
  const simulate = (seed: number, gapMs: number, step: number) => {
    const random = createRandom(seed)
    const tracker = createThroughputTracker()
    const slots: { taskId: number; from: number; tokens: number }[] = []
    let finished = 0
    let taskId = 0
    let worst = 0
    let result: ReturnType<typeof tracker.observe> = null
    const decodedAt = (task: { from: number; tokens: number }, ms: number) =>
      Math.min(task.tokens, Math.max(0, Math.floor(((ms - task.from) * 30) / 1000)))
    const advance = (ms: number) => {
      for (const [index, task] of slots.entries()) {
        if (decodedAt(task, ms) < task.tokens) continue
        finished += task.tokens
        slots[index] = { taskId: ++taskId, from: ms + random() * 1500, tokens: 1 + Math.floor(random() * 90) }
      }
    }
    for (let slot = 0; slot < 4; slot += 1) slots.push({ taskId: ++taskId, from: slot * 100, tokens: 40 })
    const readSlots = () =>
      slots
        .map((task, slotId) => ({ slotId, taskId: task.taskId, decoded: decodedAt(task, now) }))
        .filter((task) => task.decoded > 0)
    let now = 0
    for (let second = 0; second < 600; second += 1) {
      now = second * 1000
      advance(now)
      const early = readSlots()
      const predicted = Math.round(finished / step) * step
      now += Math.abs(gapMs)
      advance(now)
      const late = readSlots()
      const latePredicted = Math.round(finished / step) * step
      const metrics = metricsOf(gapMs >= 0 ? predicted : latePredicted, { tokensPredictedStep: step })
      result = tracker.observe(at(second * 1000, { metrics, active: gapMs >= 0 ? late : early }))
      if (second > 1) worst = Math.max(worst, result?.generationTokensPerSecond ?? 0)
    }
    const running = slots.reduce((sum, task) => sum + decodedAt(task, now), 0)
    return { worst, shown: result?.tokensGeneratedTotal ?? 0, truth: finished + running }
  }

  it.each([0, 5, 200, -5, -200])('agrees within 1 % when /slots is read %i ms after /metrics', (gapMs) => {
    for (const seed of [1, 2, 3, 4]) {
      const { worst, shown, truth } = simulate(seed, gapMs, 1)
      expect(Math.abs(shown - truth) / truth).toBeLessThan(0.01)
      // The ends of requests may be counted a reading late: up to two seconds' worth of four slots in one.
      expect(worst).toBeLessThan(240)
    }
  })

  it('agrees within 2 % when the counter is printed in tens', () => {
    for (const seed of [1, 2, 3, 4]) {
      const { shown, truth } = simulate(seed, 5, 10)
      expect(Math.abs(shown - truth) / truth).toBeLessThan(0.02)
    }
  })
})

/** A small repeatable generator (mulberry32). */
function createRandom(seed: number) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
