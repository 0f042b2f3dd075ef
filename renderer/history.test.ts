// The history as it arrives: the whole, then sample by sample, and anew after a break.
import { expect, test } from 'vitest'
import { historyLength, historyStepMs } from '../electron/contract/history.ts'
import { buildSeries, chooseSpanMinutes, describeSeries, extendHistory, measureWaiting } from './history.ts'
import { sampleHistory } from './test-support/sample-history.ts'

const [first] = sampleHistory
if (first === undefined) throw new Error('the sample history has samples')
const last = sampleHistory[sampleHistory.length - 1] ?? first
const next = { ...last, at: last.at + historyStepMs }

test('the next sample pushes the oldest out', () => {
  const extended = extendHistory(sampleHistory, [next])
  expect(extended).toHaveLength(historyLength)
  expect(extended[0]).toBe(sampleHistory[1])
  expect(extended[historyLength - 1]).toBe(next)
})

test('the same sample again changes nothing, the whole replaces', () => {
  expect(extendHistory(sampleHistory, [last])).toBe(sampleHistory)
  expect(extendHistory(sampleHistory, [])).toEqual([])
  expect(extendHistory([], [next])).toEqual([next])
})

test('after a break, or from a clock that went back, it begins anew', () => {
  const later = { ...last, at: last.at + 60_000 }
  expect(extendHistory(sampleHistory, [later])).toEqual([later])
  expect(extendHistory(sampleHistory, [first])).toEqual([first])
})

const sample = (at: number, rate: number | null, waiting: number | null = 0) => ({
  at,
  generationTokensPerSecond: rate,
  promptTokensPerSecond: null,
  busySlots: null,
  waiting,
})

test('what was not read is a gap, not 0', () => {
  expect(
    buildSeries([sample(0, 5), sample(5000, null), sample(10_000, 0)]).points.map(({ rate }) => rate),
  ).toEqual([5, null, 0])
})

test('the last sample stands at the right edge, 15 minutes are the width', () => {
  const { from, to } = buildSeries(sampleHistory)
  expect(to - from).toBe(15 * 60_000)
  expect(to).toBe(sampleHistory[sampleHistory.length - 1]?.at)
})

test.each([
  [0, 2],
  [120_000, 2],
  [125_000, 5],
  [300_000, 5],
  [305_000, 15],
])('of %i ms that were read %i minutes are drawn', (knownMs, minutes) => {
  const history = [sample(0, null), sample(1_000_000, 1), sample(1_000_000 + knownMs, 2)]
  expect(chooseSpanMinutes(history)).toBe(minutes)
  const { from, to, points } = buildSeries(history)
  expect(to - from).toBe(minutes * 60_000)
  expect(points.every(({ at }) => at >= from)).toBe(true)
})

test('nothing read is drawn as an empty quarter of an hour', () => {
  expect(chooseSpanMinutes([])).toBe(15)
  expect(chooseSpanMinutes([sample(0, null)])).toBe(15)
})

test('an idle quarter of an hour is a flat line at the bottom', () => {
  expect(buildSeries([sample(0, 0), sample(5000, 0)]).top).toBe(1)
})

test('said in words', () => {
  expect(describeSeries([])).toBe('No tokens per second are known yet')
  expect(describeSeries([sample(0, 10), sample(5000, 30, 2)])).toBe(
    'Tokens per second in the last 2 minutes: mean 20.0, highest 30.0; agents waited for up to 5 s',
  )
  expect(measureWaiting([sample(0, 1, null)])).toBeNull()
})
