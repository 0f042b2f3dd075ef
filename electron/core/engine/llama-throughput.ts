// Folds /metrics and /slots readings into live throughput: tokens count when generated, not when the request ends.
import type { Throughput } from '../../contract/snapshot.ts'
import type { LlamaMetrics } from './llama-answers.ts'
import type { ActiveTask } from './llama-slot-tracker.ts'

export interface ThroughputReading {
  /** Monotonic time of the /slots answer. */
  readonly atMs: number
  /** null: no answer. */
  readonly metrics: LlamaMetrics | null
  /** When the metrics arrived: on b10068 the /slots answer can come a minute later. */
  readonly metricsAtMs: number
  /** Whether a slot is in prefill: builds that count a prompt only at its end aren't at 0 tokens/s meanwhile. */
  readonly prefilling: boolean
  /** Tasks that are generating; null: /slots did not answer. Read after the metrics of the same reading. */
  readonly active: readonly ActiveTask[] | null
}

interface DraftCount {
  readonly accepted: number
  readonly generated: number
}

const noDrafts: DraftCount = { accepted: 0, generated: 0 }

/**
 * The slots give the tokens of running requests live. The metrics counter moves only when a request ends; it adds what
 * no slots reading saw: the end of each request, and requests shorter than the interval.
 * The two are read some ms apart (seconds, on a blocked b10068), so a request that ends in between is in one and not in
 * the other. The counter's increase is therefore balanced against the tasks that ended, one reading later where still
 * ambiguous: every token is counted once, in any order.
 */
export function createThroughputTracker() {
  let generated = createGeneratedCounter()
  let lastSlots: { readonly atMs: number; readonly total: number } | null = null
  let last: { readonly atMs: number; readonly metrics: LlamaMetrics } | null = null
  let logged = noDrafts

  const reset = () => {
    generated = createGeneratedCounter()
    last = null
    logged = noDrafts
  }

  /** Tokens per second since the last /metrics answer; null when either lacks the counter, or both came at the same instant. */
  const promptRate = (metrics: LlamaMetrics, atMs: number): number | null => {
    const before = last?.metrics.promptTokensTotal ?? null
    const elapsedMs = atMs - (last?.atMs ?? atMs)
    const now = metrics.promptTokensTotal
    return before === null || now === null || elapsedMs <= 0 ? null : ((now - before) * 1000) / elapsedMs
  }

  /** Tokens per second since the last /slots answer; null after none, or at the same instant. */
  const generationRate = (total: number, atMs: number): number | null => {
    const before = lastSlots
    if (before !== null && atMs <= before.atMs) return null
    lastSlots = { atMs, total }
    return before === null ? null : ((total - before.total) * 1000) / (atMs - before.atMs)
  }

  return {
    /** A draft acceptance from the log: builds such as b10068 have no counters for it. */
    addDraftResult: (result: DraftCount) => {
      logged = { accepted: logged.accepted + result.accepted, generated: logged.generated + result.generated }
    },
    /** For a new server process, whose counters start at zero. */
    reset,
    /** null until the server's total has been read once. */
    observe: ({ atMs, metrics, metricsAtMs, prefilling, active }: ThroughputReading): Throughput | null => {
      if (metrics !== null && last !== null && fellBack(metrics, last.metrics)) reset()
      // The first total includes everything generated earlier, so the rate begins with the first /slots answer after it.
      if (last === null || last.metrics.tokensPredictedTotal === null) lastSlots = null
      const promptTokensPerSecond = metrics === null ? null : promptRate(metrics, metricsAtMs)
      if (metrics !== null) last = { atMs: metricsAtMs, metrics }
      const total = generated.observe(metrics, active)
      const rate = active === null ? null : generationRate(total, atMs)
      if (last === null || last.metrics.tokensPredictedTotal === null) return null
      return {
        generationTokensPerSecond: rate,
        promptTokensPerSecond: promptTokensPerSecond === 0 && prefilling ? null : promptTokensPerSecond,
        draftAcceptance: acceptanceOf(draftCounters(last.metrics) ?? logged),
        tokensGeneratedTotal: total,
      }
    },
  }
}

/** Counters only grow within one process. */
const fellBack = (now: LlamaMetrics, before: LlamaMetrics): boolean =>
  (now.tokensPredictedTotal ?? Infinity) < (before.tokensPredictedTotal ?? 0) ||
  (now.promptTokensTotal ?? Infinity) < (before.promptTokensTotal ?? 0)

const draftCounters = ({ draftTokensTotal, draftAcceptedTotal }: LlamaMetrics): DraftCount | null =>
  draftTokensTotal === null || draftAcceptedTotal === null
    ? null
    : { accepted: draftAcceptedTotal, generated: draftTokensTotal }

const acceptanceOf = ({ accepted, generated }: DraftCount): number | null =>
  generated > 0 ? Math.min(1, accepted / generated) : null

function createGeneratedCounter() {
  /** Last decoded count per task that was added to `total`. */
  let seen: ReadonlyMap<number, number> = new Map()
  let predicted: number | null = null
  let total = 0
  /** Counted tokens of tasks that ended since the last balancing. */
  let ended = 0
  /** Tokens from the counter that may belong to a task still shown as active. */
  let held = 0
  /** Counted tokens of ended tasks that the counter doesn't include yet; it never includes a cancelled task's. */
  let owed = 0

  const applySlots = (active: readonly ActiveTask[]) => {
    const now = new Map<number, number>()
    for (const task of active) {
      const before = seen.get(task.taskId) ?? 0
      const decoded = Math.max(before, task.decoded)
      now.set(task.taskId, decoded)
      total += decoded - before
    }
    for (const [taskId, decoded] of seen) if (!now.has(taskId)) ended += decoded
    seen = now
  }

  const running = () => [...seen.values()].reduce((sum, decoded) => sum + decoded, 0)

  /** `step` is the counter's resolution: what may be its rounding is neither counted nor forgotten. */
  const settle = (increase: number, step: number) => {
    const balance = held + increase - ended - owed
    const surplus = Math.max(0, balance)
    const noise = step - 1
    held = Math.min(surplus, Math.max(Math.min(increase, running()), noise))
    owed = Math.min(surplus - balance, Math.max(ended, noise))
    total += surplus - held
    ended = 0
  }

  return {
    observe: (metrics: LlamaMetrics | null, active: readonly ActiveTask[] | null): number => {
      if (active !== null) applySlots(active)
      if (metrics === null || metrics.tokensPredictedTotal === null) return total
      const now = metrics.tokensPredictedTotal
      if (predicted === null) {
        // First reading of the counter: it includes tasks that ended earlier, but not the running ones.
        total = now + running()
        ended = 0
        predicted = now
      } else if (active !== null) {
        settle(now - predicted, metrics.tokensPredictedStep)
        predicted = now
      }
      return total
    },
  }
}
