// Folds /metrics and /slots readings into live throughput: tokens count when generated, not when the request ends.
import type { Throughput } from '../../contract/snapshot.ts'
import type { LlamaMetrics } from './llama-metrics.ts'
import type { ActiveTask } from './llama-slot-tracker.ts'

export interface ThroughputReading {
  /** Monotonic time of the /slots answer. */
  readonly atMs: number
  /** undefined: not read this time (it is read less often); null: no answer. */
  readonly metrics: LlamaMetrics | null | undefined
  /** When the metrics arrived, if at a different time: on b10068 the /slots answer can come a minute later. */
  readonly metricsAtMs?: number
  /** Whether a slot is in prefill: builds that count a prompt only at its end aren't at 0 tokens/s meanwhile. */
  readonly prefilling?: boolean
  /** Tasks that are generating; null: /slots did not answer. Read after the metrics of the same reading. */
  readonly active: readonly ActiveTask[] | null
}

interface DraftCount {
  readonly accepted: number
  readonly generated: number
}

/**
 * The slots give the tokens of running requests live. The metrics counter moves only when a request ends; it adds what
 * no slots reading saw: the end of each request, and requests shorter than the interval.
 * The two are read some ms apart (seconds, on a blocked b10068), so a request that ends in between is in one and not in
 * the other. The counter's increase is therefore balanced against the tasks that ended, one reading later where still
 * ambiguous: every token is counted once, in any order.
 */
export function createThroughputTracker() {
  let generated: ReturnType<typeof createGeneratedCounter> = createGeneratedCounter()
  let lastSlots: { atMs: number; total: number } | null = null
  let lastMetrics: { atMs: number; promptTokens: number | null; predicted: number | null } | null = null
  let promptRate: number | null = null
  let counters: DraftCount | null = null
  let logged: DraftCount = { accepted: 0, generated: 0 }

  const reset = () => {
    generated = createGeneratedCounter()
    lastSlots = null
    lastMetrics = null
    promptRate = null
    counters = null
    logged = { accepted: 0, generated: 0 }
  }

  const applyMetrics = (metrics: LlamaMetrics, atMs: number) => {
    const before = lastMetrics
    const promptTokens = metrics.promptTokensTotal
    const elapsedMs = before === null ? 0 : atMs - before.atMs
    promptRate =
      before === null || before.promptTokens === null || promptTokens === null || elapsedMs <= 0
        ? null
        : ((promptTokens - before.promptTokens) * 1000) / elapsedMs
    lastMetrics = { atMs, promptTokens, predicted: metrics.tokensPredictedTotal }
    counters =
      metrics.draftTokensTotal === null || metrics.draftAcceptedTotal === null
        ? null
        : { accepted: metrics.draftAcceptedTotal, generated: metrics.draftTokensTotal }
  }

  const rateSince = (total: number, atMs: number) => {
    const before = lastSlots
    if (before === null || atMs <= before.atMs) return null
    return (Math.max(0, total - before.total) * 1000) / (atMs - before.atMs)
  }

  return {
    /** A draft acceptance from the log: builds such as b10068 have no counters for it. */
    addDraftResult: (result: DraftCount) => {
      logged = { accepted: logged.accepted + result.accepted, generated: logged.generated + result.generated }
    },
    /** For a new server process, whose counters start at zero. */
    reset,
    /** null until the server's total has been read once. */
    observe: (reading: ThroughputReading): Throughput | null => {
      const { metrics, active, atMs } = reading
      if (metrics && fellBack(metrics, lastMetrics)) reset()
      // The first total includes everything generated earlier, so it gives no rate.
      const hadTotal = lastMetrics !== null && lastMetrics.predicted !== null
      if (metrics) applyMetrics(metrics, reading.metricsAtMs ?? atMs)
      else if (metrics === null) promptRate = null
      const total = generated.observe(metrics ?? null, active)
      const rate = active === null || !hadTotal ? null : rateSince(total, atMs)
      if (active !== null && (lastSlots === null || atMs > lastSlots.atMs)) lastSlots = { atMs, total }
      if (lastMetrics === null || lastMetrics.predicted === null) return null
      return {
        generationTokensPerSecond: rate,
        promptTokensPerSecond: promptRate === 0 && reading.prefilling === true ? null : promptRate,
        draftAcceptance: acceptanceOf(counters ?? logged),
        tokensGeneratedTotal: total,
      }
    },
  }
}

/** Counters only grow within one process. */
function fellBack(
  metrics: LlamaMetrics,
  before: { promptTokens: number | null; predicted: number | null } | null,
): boolean {
  const fell = (now: number | null, then: number | null | undefined) =>
    now !== null && then !== null && then !== undefined && now < then
  return (
    fell(metrics.tokensPredictedTotal, before?.predicted) ||
    fell(metrics.promptTokensTotal, before?.promptTokens)
  )
}

const acceptanceOf = (count: DraftCount) =>
  count.generated > 0 ? Math.min(1, count.accepted / count.generated) : null

function createGeneratedCounter() {
  /** Last decoded count per task that was added to `total`. */
  let seen: ReadonlyMap<number, number> = new Map()
  let seenOnce = false
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
      now.set(task.taskId, Math.max(before, task.decoded))
      total += Math.max(0, task.decoded - before)
    }
    for (const [taskId, decoded] of seen) if (!now.has(taskId)) ended += decoded
    seen = now
    seenOnce = true
  }

  const settle = (increase: number, step: number) => {
    const balance = held + increase - ended - owed
    const noise = step > 1 ? step : 0
    if (balance <= 0) {
      held = 0
      owed = Math.min(-balance, Math.max(ended, noise))
    } else {
      const running = [...seen.values()].reduce((sum, decoded) => sum + decoded, 0)
      held = Math.max(Math.min(balance, increase, running), Math.min(balance, noise))
      owed = 0
      total += balance - held
    }
    ended = 0
  }

  return {
    observe: (metrics: LlamaMetrics | null, active: readonly ActiveTask[] | null): number => {
      if (active !== null) applySlots(active)
      const now = metrics?.tokensPredictedTotal ?? null
      if (metrics === null || now === null) return total
      if (predicted === null) {
        // First reading of the counter: it includes tasks that ended earlier, but not the running ones.
        total = now + [...seen.values()].reduce((sum, decoded) => sum + decoded, 0)
        ended = 0
        predicted = now
      } else if (active !== null && seenOnce) {
        settle(now - predicted, metrics.tokensPredictedStep)
        predicted = now
      }
      return total
    },
  }
}
