// The ring of the charts: means and peaks of a step, gaps that stay gaps, a clock that jumps.
import { describe, expect, it } from 'vitest'
import { HistorySampleSchema, historyLength, historyStepMs } from '../../contract/history.ts'
import { createHistory, type HistoryReading } from './history.ts'

const start = 1_700_000_000_000
const reading = (change: Partial<HistoryReading> = {}): HistoryReading => ({
  generationTokensPerSecond: 10,
  promptTokensPerSecond: 100,
  busySlots: 2,
  waiting: 0,
  ...change,
})
const nothing = {
  generationTokensPerSecond: null,
  promptTokensPerSecond: null,
  busySlots: null,
  waiting: null,
}

describe('history', () => {
  it('is empty before a step has ended', () => {
    const history = createHistory()
    expect(history.add(reading(), start)).toEqual([])
    expect(history.samples()).toEqual([])
  })

  it('gives the mean of rates and the most of counts, over what was read in the step', () => {
    const history = createHistory()
    history.add(reading({ generationTokensPerSecond: 10, busySlots: 1, waiting: 0 }), start)
    history.add(reading({ generationTokensPerSecond: 30, busySlots: 4, waiting: 2 }), start + 1_000)
    history.add(reading({ generationTokensPerSecond: null, busySlots: 3, waiting: null }), start + 2_000)
    const ended = history.add(reading(), start + historyStepMs)
    expect(ended).toEqual([
      {
        at: start,
        generationTokensPerSecond: 20,
        promptTokensPerSecond: 100,
        busySlots: 4,
        waiting: 2,
      },
    ])
    expect(history.samples()).toEqual(ended)
    for (const sample of ended) expect(HistorySampleSchema.parse(sample)).toEqual(sample)
  })

  it('never carries a reading on into a step in which nothing was read', () => {
    const history = createHistory()
    history.add(reading(), start)
    history.add(null, start + historyStepMs)
    history.add(reading(), start + 3 * historyStepMs)
    expect(history.add(reading(), start + 4 * historyStepMs)).toHaveLength(1)
    expect(history.samples().map(({ at, busySlots }) => [at - start, busySlots])).toEqual([
      [0, 2],
      [historyStepMs, null],
      [2 * historyStepMs, null],
      [3 * historyStepMs, 2],
    ])
    expect(history.samples()[1]).toEqual({ at: start + historyStepMs, ...nothing })
  })

  it('keeps the last 15 minutes, in steps without a hole, and a night asleep costs no more', () => {
    const history = createHistory()
    for (let step = 0; step < 2 * historyLength; step += 1)
      history.add(reading({ busySlots: step }), start + step * historyStepMs)
    expect(history.samples()).toHaveLength(historyLength)
    expect(history.samples().at(-1)).toMatchObject({ busySlots: 2 * historyLength - 2 })
    const ended = history.add(reading(), start + 10_000 * historyStepMs)
    expect(ended).toHaveLength(historyLength)
    const steps = history.samples().map(({ at }) => at)
    expect(steps).toEqual(
      Array.from(
        { length: historyLength },
        (_, index) => start + (10_000 - historyLength + index) * historyStepMs,
      ),
    )
    expect(history.samples().every(({ busySlots }) => busySlots === null)).toBe(true)
  })

  it('draws nothing over the present when the clock is set back', () => {
    const history = createHistory()
    for (let step = 0; step < 10; step += 1) history.add(reading(), start + step * historyStepMs)
    expect(history.add(reading({ busySlots: 1 }), start + 3 * historyStepMs)).toEqual([])
    expect(history.samples().map(({ at }) => at - start)).toEqual(
      [0, 1, 2].map((step) => step * historyStepMs),
    )
    expect(history.add(reading(), start + 4 * historyStepMs)).toMatchObject([{ busySlots: 1 }])
  })
})
