// `nexus bench model` as tables and sentences. No I/O.
import type {
  BatchRow,
  IdleSlotsRow,
  KvRow,
  Recommendation,
  Spread,
} from '../../core/model-bench/recommend.ts'
import { formatSeconds, plural } from '../../wording/figures.ts'
import { alignCells } from './text-line.ts'

export interface BenchResults {
  readonly rows: readonly BatchRow[]
  readonly kv: readonly KvRow[]
  /** null: not measured, or there is one slot. */
  readonly idleSlots: IdleSlotsRow | null
}

const number = (value: number | null): string => (value === null ? '-' : value.toFixed(1))
const percent = (value: number | null): string => (value === null ? '-' : `${Math.round(value * 100)} %`)
const seconds = (ms: number | null): string => (ms === null ? '-' : formatSeconds(ms))
const range = (lowest: number, highest: number): string => `${number(lowest)}..${number(highest)}`
const spread = ({ median, lowest, highest }: Spread): readonly string[] => [
  number(median),
  range(lowest, highest),
]

export const renderBench = (
  { rows, kv, idleSlots }: BenchResults,
  recommendation: Recommendation | null,
  repeats: number,
): readonly string[] => [
  ...(rows.length === 0 ? [] : [...renderBatches(rows), '']),
  ...(kv.length === 0 ? [] : [...renderKv(kv), '']),
  ...(idleSlots === null ? [] : [...renderIdleSlots(idleSlots), '']),
  `Tokens per second; medians of ${repeats === 1 ? 'one measurement, which proves little' : `${repeats} measurements`}.`,
  ...(recommendation === null
    ? []
    : [`Recommended: llamaServer.batchTokens ${recommendation.batchTokens}: ${recommendation.because}.`]),
]

const renderBatches = (rows: readonly BatchRow[]): readonly string[] =>
  alignCells([
    [
      '-b',
      'prefill/s',
      'lowest..highest',
      'generation/s',
      'drafts kept',
      'beside a prefill/s',
      'longest pause',
    ],
    ...rows.map((row) => [
      String(row.batchTokens),
      number(row.prefillTokensPerSecond),
      range(...row.prefillRange),
      number(row.generationTokensPerSecond),
      percent(row.draftAcceptance),
      `${number(row.besidePrefillTokensPerSecond)} (${percent(row.keptShare)})`,
      seconds(row.longestPauseMs),
    ]),
  ])

const renderKv = (rows: readonly KvRow[]): readonly string[] => [
  ...alignCells([
    ['KV cache', 'prefill/s', 'lowest..highest', 'generation/s', 'lowest..highest'],
    ...rows.map((row) =>
      'failure' in row
        ? [row.type, '-', '-', '-', '-']
        : [row.type, ...spread(row.prefill), ...spread(row.generation)],
    ),
  ]),
  ...rows.flatMap((row) => ('failure' in row ? [`${row.type} was not measured: ${row.failure}`] : [])),
]

const renderIdleSlots = (row: IdleSlotsRow): readonly string[] => [
  ...alignCells([
    ['idle slots', 'generation/s', 'lowest..highest'],
    ['empty', ...spread(row.empty)],
    [`${plural(row.otherSlots, 'other slot')}, ${row.heldTokens ?? '-'} tokens`, ...spread(row.held)],
  ]),
  judgeIdleSlots(row),
]

const judgeIdleSlots = ({ empty, held, heldTokens, keptShare }: IdleSlotsRow): string => {
  if (keptShare === null)
    return heldTokens === null
      ? 'The cost of idle slots is unknown: llama-server did not report what they held.'
      : 'The cost of idle slots is unknown: llama-server had cleared them.'
  if (empty.readings > 1 && held.highest >= empty.lowest && held.lowest <= empty.highest)
    return 'Keeping them costs less than the spread of the measurements.'
  return `Beside them generation keeps ${percent(keptShare)} of its speed.`
}
