// The chart: gaps stay gaps, and those who do not see it are told the same.
import { expect, test } from 'vitest'
import { buildSeries, describeSeries, measureWaiting } from './chart-series.ts'
import { sampleHistory } from './test-support/sample-history.ts'

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

test('an idle quarter of an hour is a flat line at the bottom', () => {
  expect(buildSeries([sample(0, 0), sample(5000, 0)]).top).toBe(1)
})

test('said in words', () => {
  expect(describeSeries([])).toBe('No tokens per second are known yet')
  expect(describeSeries([sample(0, 10), sample(5000, 30, 2)])).toBe(
    'Tokens per second in the last 15 minutes: mean 20.0, highest 30.0; agents waited for 5 s',
  )
  expect(measureWaiting([sample(0, 1, null)])).toBeNull()
})
