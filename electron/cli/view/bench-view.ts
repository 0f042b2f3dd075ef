// `nexus bench model` as a table and one sentence. No I/O.
import type { BatchRow, Recommendation } from '../../core/model-bench/recommend.ts'

const number = (value: number | null): string => (value === null ? '-' : value.toFixed(1))
const percent = (value: number | null): string => (value === null ? '-' : `${Math.round(value * 100)} %`)
const seconds = (ms: number | null): string => (ms === null ? '-' : `${(ms / 1000).toFixed(1)} s`)

const head = [
  '-b',
  'prefill/s',
  'lowest..highest',
  'generation/s',
  'drafts kept',
  'beside a prefill/s',
  'longest pause',
]

export const renderBench = (
  rows: readonly BatchRow[],
  recommendation: Recommendation | null,
  repeats: number,
): readonly string[] => {
  const cells = [
    head,
    ...rows.map((row) => [
      String(row.batchTokens),
      number(row.prefillTokensPerSecond),
      row.prefillRange.map((value) => value.toFixed(0)).join('..'),
      number(row.generationTokensPerSecond),
      percent(row.draftAcceptance),
      `${number(row.besidePrefillTokensPerSecond)} (${percent(row.keptShare)})`,
      seconds(row.longestPauseMs),
    ]),
  ]
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)))
  const table = cells.map((row) => row.map((cell, column) => cell.padStart(widths[column] ?? 0)).join('  '))
  const what = `Tokens per second; medians of ${repeats === 1 ? 'one measurement, which says little' : `${repeats} measurements`}.`
  if (recommendation === null) return [...table, '', what]
  const { batchTokens, because } = recommendation
  return [...table, '', what, `Recommended: llamaServer.batchTokens ${batchTokens}: ${because}.`]
}
