// The history that the charts draw, as it arrives. Pure.
import { type HistorySample, historyLength, historyStepMs } from '../electron/contract/history.ts'

/** A sample may come late by this much and still continue what was there. */
const largestGapMs = 4 * historyStepMs

/**
 * The whole history comes first, then arrays of one. A core that has just begun also has a history of one: told from the
 * next sample by its time.
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
