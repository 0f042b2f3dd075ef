// Builds the charts' history from what arrives. Pure.
import { type HistorySample, historyLength, historyStepMs } from '../electron/contract/history.ts'

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
