// The results of a benchmark run as ratios: a table for people, a JSON document for programs. No I/O.

export type BenchUnit = 's' | 'ms' | 'tokens/s' | 'tokens' | 'requests' | '%' | 'MB' | 'KB'

export interface Sample {
  readonly measured: number
  readonly reference: number
}

/** One comparison with several samples: each measured value has its reference. */
export interface Comparison {
  readonly what: string
  readonly unit: BenchUnit
  readonly samples: readonly Sample[]
  /** The meaning of `reference`: another way of doing the same, or a limit. */
  readonly against: string
  /** What the project wants measured / reference to be; null for information only. */
  readonly goal: { readonly minRatio?: number; readonly maxRatio?: number } | null
}

export interface BenchReport {
  readonly machine: readonly string[]
  readonly comparisons: readonly Comparison[]
  /** Parts that could not be measured, with the reason. */
  readonly failures: readonly { readonly part: string; readonly reason: string }[]
}

/** @param isGoal false: the limit is shown, for information only */
export const againstLimit = (
  what: string,
  unit: BenchUnit,
  limit: number,
  measured: readonly number[],
  isGoal = true,
): Comparison => ({
  what,
  unit,
  samples: measured.map((each) => ({ measured: each, reference: limit })),
  against: 'limit',
  goal: isGoal ? { maxRatio: 1 } : null,
})

/** Measures both in turn, A B, B A, A B ...: so drift favours neither side. */
export const measureInTurn = async (
  runs: number,
  measure: () => Promise<number>,
  measureReference: () => Promise<number>,
): Promise<readonly Sample[]> => {
  const samples: Sample[] = []
  for (let run = 0; run < runs; run += 1) {
    if (run % 2 === 0) {
      const measured = await measure()
      samples.push({ measured, reference: await measureReference() })
    } else {
      const reference = await measureReference()
      samples.push({ measured: await measure(), reference })
    }
  }
  return samples
}

export const sumOf = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

/** NaN for an empty list, and printed as such. */
export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

export const summarize = ({ samples, goal }: Pick<Comparison, 'samples' | 'goal'>) => {
  const ratios = samples.map(({ measured, reference }) => measured / reference)
  const ratio = median(ratios)
  return {
    measured: median(samples.map((sample) => sample.measured)),
    reference: median(samples.map((sample) => sample.reference)),
    ratio,
    minRatio: Math.min(...ratios),
    maxRatio: Math.max(...ratios),
    met: goal && ratio >= (goal.minRatio ?? 0) && ratio <= (goal.maxRatio ?? Number.POSITIVE_INFINITY),
  }
}

const decimals: Readonly<Record<BenchUnit, number>> = {
  s: 3,
  ms: 1,
  'tokens/s': 2,
  tokens: 0,
  requests: 0,
  '%': 2,
  MB: 1,
  KB: 1,
}

/** Columns of numbers are aligned to the right. */
const columns: readonly (readonly [head: string, isNumber: boolean])[] = [
  ['what', false],
  ['measured', true],
  ['against', false],
  ['ratio', true],
  ['min..max', true],
  ['n', true],
  ['goal', false],
]

const rowOf = (comparison: Comparison): readonly string[] => {
  const { measured, reference, ratio, minRatio, maxRatio, met } = summarize(comparison)
  const { what, unit, against, samples, goal } = comparison
  const amount = (value: number) => `${value.toFixed(decimals[unit])} ${unit}`
  const wanted = [
    ...(goal?.minRatio === undefined ? [] : [`ratio >= ${goal.minRatio}`]),
    ...(goal?.maxRatio === undefined ? [] : [`ratio <= ${goal.maxRatio}`]),
  ].join(' and ')
  return [
    what,
    amount(measured),
    `${amount(reference)} ${against}`,
    ratio.toFixed(3),
    `${minRatio.toFixed(3)}..${maxRatio.toFixed(3)}`,
    String(samples.length),
    goal === null ? '' : `${wanted}: ${met === true ? 'met' : 'missed'}`,
  ]
}

export const renderReport = ({ machine, comparisons, failures }: BenchReport): readonly string[] => {
  const rows = [columns.map(([head]) => head), ...comparisons.map(rowOf)]
  const widths = columns.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const table = rows.map((row) =>
    columns
      .map(([, isNumber], column) => {
        const [cell = '', width = 0] = [row[column], widths[column]]
        return isNumber ? cell.padStart(width) : cell.padEnd(width)
      })
      .join('  ')
      .trimEnd(),
  )
  return [
    ...machine,
    ...(comparisons.length === 0 ? [] : ['', ...table]),
    ...failures.flatMap(({ part, reason }) => ['', `${part} could not be measured: ${reason}`]),
  ]
}

export const reportAsJson = (report: BenchReport): string => {
  const comparisons = report.comparisons.map((each) => ({ ...each, ...summarize(each) }))
  return JSON.stringify({ ...report, comparisons }, null, 2)
}
