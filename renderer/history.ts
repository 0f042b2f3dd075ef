// The history of tokens per second: as it arrives, as the chart's data, and in words for screen readers. Pure.
import { type HistorySample, historyLength, historyStepMs } from '../electron/contract/history.ts'
import { formatDuration, formatRate } from '../electron/wording/figures.ts'

/** A sample this late still continues the history. */
const largestGapMs = 4 * historyStepMs

/**
 * The whole history comes first, then arrays of one. A new core's whole history may be one sample too; its time tells the
 * two apart.
 */
export const extendHistory = (
  before: readonly HistorySample[],
  samples: readonly HistorySample[],
): readonly HistorySample[] => {
  const last = before[before.length - 1]
  const [next, ...more] = samples
  if (last === undefined || next === undefined || more.length > 0) return samples
  if (next.at === last.at) return before
  const continues = next.at > last.at && next.at - last.at <= largestGapMs
  return continues ? [...before, next].slice(-historyLength) : samples
}

/** Shorter spans for a young history, which in a chart of 15 minutes would be a stroke at the edge. */
const spansMinutes = [2, 5] as const
const longestSpanMinutes = (historyLength * historyStepMs) / 60_000

/** How many of the last minutes to draw: the shortest span that holds all readings. */
export const chooseSpanMinutes = (history: readonly HistorySample[]): number => {
  const first = history.find((sample) => sample.generationTokensPerSecond !== null)
  const last = history[history.length - 1]
  if (first === undefined || last === undefined) return longestSpanMinutes
  const knownMinutes = (last.at - first.at) / 60_000
  return spansMinutes.find((minutes) => knownMinutes <= minutes) ?? longestSpanMinutes
}

/** `top` is the height of the chart in tokens per second; never 0, so that an idle history is a flat line at the bottom. */
export const buildSeries = (history: readonly HistorySample[]) => {
  const peak = history.reduce((most, sample) => Math.max(most, sample.generationTokensPerSecond ?? 0), 0)
  const top = Math.max(1, peak * 1.12)
  const to = history[history.length - 1]?.at ?? 0
  const from = to - chooseSpanMinutes(history) * 60_000
  const points = history
    .filter((sample) => sample.at >= from)
    .map((sample) => ({
      at: sample.at,
      /** null: a gap, no reading. */
      rate: sample.generationTokensPerSecond,
      /** The full height of the chart while a request waits, else null. */
      waiting: sample.waiting !== null && sample.waiting > 0 ? top : null,
    }))
  return { points, top, from, to }
}

export const describeSeries = (history: readonly HistorySample[]): string => {
  const rates = history.flatMap((sample) => sample.generationTokensPerSecond ?? [])
  if (rates.length === 0) return 'No tokens per second are known yet'
  const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length
  const most = rates.reduce((high, rate) => Math.max(high, rate), 0)
  const waited = measureWaiting(history)
  const wait = waited === null ? '' : `; agents waited for up to ${waited}`
  const minutes = chooseSpanMinutes(history)
  return `Tokens per second in the last ${minutes} minutes: mean ${formatRate(mean)}, highest ${formatRate(most)}${wait}`
}

/** The longest that requests may have waited: a step only records that one did. null: none waited. */
export const measureWaiting = (history: readonly HistorySample[]): string | null => {
  const steps = history.filter((sample) => (sample.waiting ?? 0) > 0).length
  return steps === 0 ? null : formatDuration((steps * historyStepMs) / 1000)
}
