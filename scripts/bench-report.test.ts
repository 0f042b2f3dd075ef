import { describe, expect, it } from 'vitest'
import {
  type BenchReport,
  type Comparison,
  measureInTurn,
  median,
  renderReport,
  reportAsJson,
  summarize,
} from './bench-report.ts'

// Made-up numbers.
const start: Comparison = {
  what: 'start',
  unit: 's',
  samples: [
    { measured: 10, reference: 10 },
    { measured: 33, reference: 30 },
    { measured: 20.4, reference: 20 },
  ],
  against: 'bare script',
  goal: { maxRatio: 1.05 },
}

const report = (parts: Partial<BenchReport>): BenchReport => ({
  machine: ['2 cores'],
  comparisons: [],
  failures: [],
  ...parts,
})

describe('median', () => {
  it.each([
    [[3, 1, 2], 2],
    [[4, 1, 3, 2], 2.5],
    [[7], 7],
    [[], Number.NaN],
  ])('of %j is %d', (values, expected) => {
    expect(median(values)).toBe(expected)
  })
})

describe('summarize', () => {
  it('is the median of the pairs, not the ratio of the medians', () => {
    const summary = summarize(start)
    expect(summary.ratio).toBeCloseTo(1.02)
    expect(summary.minRatio).toBe(1)
    expect(summary.maxRatio).toBeCloseTo(1.1)
    expect(summary.measured).toBe(20.4)
  })

  it.each([
    [1.02, true],
    [1.021, false],
    [0.98, true],
    [0.979, false],
  ])('a ratio of %d within 2 %% is %s', (measured, met) => {
    const goal = { minRatio: 0.98, maxRatio: 1.02 }
    expect(summarize({ samples: [{ measured, reference: 1 }], goal }).met).toBe(met)
  })

  it('nothing measured meets no goal', () => {
    expect(summarize({ samples: [], goal: { maxRatio: 1 } }).met).toBe(false)
  })
})

describe('renderReport', () => {
  it('aligns the columns and says whether the goal was met', () => {
    const fast = { ...start, what: 'a longer name', samples: [{ measured: 12, reference: 10 }] }
    expect(renderReport(report({ comparisons: [start, fast] }))).toEqual([
      '2 cores',
      '',
      'what           measured  against               ratio      min..max  n  goal',
      'start          20.400 s  20.000 s bare script  1.020  1.000..1.100  3  ratio <= 1.05: met',
      'a longer name  12.000 s  10.000 s bare script  1.200  1.200..1.200  1  ratio <= 1.05: missed',
    ])
  })

  it.each([
    [{ minRatio: 0.99 }, 'ratio >= 0.99: missed'],
    [{ minRatio: 0.9, maxRatio: 1.02 }, 'ratio >= 0.9 and ratio <= 1.02: met'],
    [null, ''],
  ])('says what %j wants', (goal, said) => {
    const slower = { ...start, samples: [{ measured: 0.95, reference: 1 }], goal }
    expect(renderReport(report({ comparisons: [slower] })).at(-1)).toMatch(new RegExp(` 1(  ${said})?$`))
  })

  it('says what could not be measured', () => {
    const lines = renderReport(report({ failures: [{ part: 'idle', reason: 'it ended' }] }))
    expect(lines.at(-1)).toBe('idle could not be measured: it ended')
  })
})

describe('measureInTurn', () => {
  it('begins with the other side in every second run, and pairs both', async () => {
    const order: string[] = []
    let clock = 0
    const measure = (side: string) => async () => {
      order.push(side)
      clock += 1
      return clock
    }
    expect(await measureInTurn(3, measure('ours'), measure('theirs'))).toEqual([
      { measured: 1, reference: 2 },
      { measured: 4, reference: 3 },
      { measured: 5, reference: 6 },
    ])
    expect(order.join(' ')).toBe('ours theirs theirs ours ours theirs')
  })
})

describe('reportAsJson', () => {
  it('has the samples and their summary', () => {
    expect(JSON.parse(reportAsJson(report({ comparisons: [start] })))).toMatchObject({
      comparisons: [{ what: 'start', samples: start.samples, met: true, measured: 20.4 }],
    })
  })
})
