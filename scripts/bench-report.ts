// The results of a benchmark run as ratios: a table for people, a JSON document for programs. No I/O.

export type BenchUnit = 's' | 'ms' | 'tokens/s' | 'tokens' | 'requests' | '%' | 'MB' | 'KB'

/** One comparison with several samples: each measured value has its reference. */
export interface Comparison {
  readonly part: string
  readonly what: string
  readonly unit: BenchUnit
  readonly samples: readonly Sample[]
  /** The meaning of `reference`: another way of doing the same, or a limit. */
  readonly against: string
  /** The project's goal; null for information only. */
  readonly goal: { readonly text: string; readonly minRatio?: number; readonly maxRatio?: number } | null
}

export interface Sample {
  readonly measured: number
  readonly reference: number
}

/** How long one stage took on both sides, to locate a difference. */
export interface Stage {
  readonly name: string
  /** null: that side has no such stage. */
  readonly measuredSeconds: number | null
  readonly referenceSeconds: number | null
}

export interface PartReport {
  readonly comparisons: readonly Comparison[]
  readonly stages: readonly Stage[]
}

export interface BenchReport extends PartReport {
  readonly machine: readonly string[]
  /** Parts that could not be measured, with the reason. */
  readonly failures: readonly { readonly part: string; readonly reason: string }[]
}

/** NaN for an empty list, and printed as such. */
export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
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
    met:
      goal === null
        ? null
        : ratio >= (goal.minRatio ?? Number.NEGATIVE_INFINITY) &&
          ratio <= (goal.maxRatio ?? Number.POSITIVE_INFINITY),
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

const formatAmount = (value: number, unit: BenchUnit): string => `${value.toFixed(decimals[unit])} ${unit}`

/** Numbers to the right, words to the left; the last column is not padded. */
const renderTable = (rows: readonly (readonly string[])[], right: ReadonlySet<number>): readonly string[] => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, column) =>
        right.has(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  )
}

export const renderReport = (report: BenchReport): readonly string[] => {
  const lines = [...report.machine]
  if (report.comparisons.length > 0) {
    const rows = report.comparisons.map((comparison) => {
      const { measured, reference, ratio, minRatio, maxRatio, met } = summarize(comparison)
      return [
        comparison.what,
        formatAmount(measured, comparison.unit),
        `${formatAmount(reference, comparison.unit)} ${comparison.against}`,
        ratio.toFixed(3),
        `${minRatio.toFixed(3)}..${maxRatio.toFixed(3)}`,
        String(comparison.samples.length),
        comparison.goal === null ? '' : `${comparison.goal.text}: ${met === true ? 'met' : 'missed'}`,
      ]
    })
    const head = ['what', 'measured', 'against', 'ratio', 'min..max', 'n', 'goal']
    lines.push('', ...renderTable([head, ...rows], new Set([1, 3, 4, 5])))
  }
  if (report.stages.length > 0) {
    const cell = (seconds: number | null) => (seconds === null ? '-' : seconds.toFixed(3))
    const rows = report.stages.map(({ name, measuredSeconds, referenceSeconds }) => [
      name,
      cell(measuredSeconds),
      cell(referenceSeconds),
    ])
    const head = ['start, s since the command (medians)', 'nexus up', 'bare script']
    lines.push('', ...renderTable([head, ...rows], new Set([1, 2])))
  }
  for (const { part, reason } of report.failures) lines.push('', `${part} could not be measured: ${reason}`)
  return lines
}

export const reportAsJson = (report: BenchReport): string =>
  JSON.stringify(
    {
      ...report,
      comparisons: report.comparisons.map((comparison) => ({ ...comparison, ...summarize(comparison) })),
    },
    null,
    2,
  )
