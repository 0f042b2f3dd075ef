// Models as text: the catalogue as a table for one machine, with sources for published numbers and reasons for unknown ones,
// and the list of the files here. No I/O.
import type { ModelFetch } from '../../contract/snapshot.ts'
import { explainChoice, saySource } from '../../core/models/explain-models.ts'
import { firstTurnTokens, type JudgedMachine, type JudgedModel } from '../../core/models/judge-models.ts'
import type { ModelHere, ModelList } from '../../core/models/model-list.ts'
import { formatBytes, formatContext, formatDuration, formatRate, plural } from '../../wording/figures.ts'
import { describeFetch, explainColumns, isFetchActive, modelColumns } from '../../wording/model-words.ts'
import {
  hang,
  type Piece,
  padEnd,
  padStart,
  piece,
  renderLines,
  type TextLine,
  type Tone,
  type ViewOptions,
} from './text-line.ts'

interface ModelsReport {
  /** In the order in which they are shown. */
  readonly models: readonly JudgedModel[]
  readonly agents: number
  readonly machine: JudgedMachine
  /** This machine in words; null: judged for another one. */
  readonly where: string | null
}

const notKnown = 'not known'
const fits: Readonly<Record<JudgedModel['fit'], readonly [string, Tone]>> = {
  fits: ['yes', 'good'],
  'does-not-fit': ['no', 'bad'],
  unknown: ['?', 'warn'],
}

type Cell = readonly [text: string, tone?: Tone]
interface Column {
  readonly title: string
  /** Negative: aligned to the left. */
  readonly width: number
  readonly cell: (row: JudgedModel, source: string) => Cell
}

const known = (value: number | null, format: (value: number) => string): Cell =>
  value === null ? [notKnown, 'dim'] : [format(value)]
const sayKnown = (fact: boolean | null): string => (fact === null ? '?' : fact ? 'yes' : 'no')

const columns: readonly Column[] = [
  { title: modelColumns.model, width: -20, cell: ({ model }) => [model.id, 'strong'] },
  {
    title: 'Size',
    width: 10,
    cell: ({ model }) => [model.weightBytes === null ? '?' : formatBytes(model.weightBytes)],
  },
  { title: 'Fits', width: 6, cell: ({ fit }) => fits[fit] },
  { title: modelColumns.context, width: 9, cell: (row) => [formatContext(row.tokensPerAgent)] },
  { title: modelColumns.firstTurn, width: 12, cell: (row) => known(row.firstTurnSeconds, formatDuration) },
  { title: modelColumns.rate, width: 11, cell: (row) => known(row.generationTokensPerSecond, formatRate) },
  { title: '', width: 4, cell: (_, source) => [source, 'dim'] },
  { title: 'Here', width: 6, cell: ({ path }) => (path === null ? ['no', 'dim'] : ['yes', 'good']) },
]

const wideColumns: readonly Column[] = [
  {
    title: 'Tools',
    width: 7,
    cell: ({ model: { tools } }) => [sayKnown(tools.renders), tools.renders === true ? 'plain' : 'warn'],
  },
  { title: 'Thinks', width: 8, cell: ({ model }) => [sayKnown(model.thinking)] },
  { title: 'Parks', width: 7, cell: ({ model }) => [sayKnown(model.cacheParks)] },
  { title: '  File', width: -13, cell: ({ model }) => [`  ${model.quantisation}`, 'dim'] },
  { title: '  Kind', width: -21, cell: ({ model }) => [`  ${model.kind.join(', ')}`, 'dim'] },
]

export const renderModels = (
  { models, agents, machine, where }: ModelsReport,
  { width, color }: ViewOptions,
): readonly string[] => {
  const room = Math.max(80, width)
  const taken = [...columns, ...wideColumns].reduce((sum, column) => sum + Math.abs(column.width), 0)
  const shown = taken <= room ? [...columns, ...wideColumns] : columns
  const sources = models.flatMap(({ model }) => (model.speed === null ? [] : [model.speed]))
  const sourceOf = ({ model }: JudgedModel) =>
    model.speed === null ? '' : `[${sources.indexOf(model.speed) + 1}]`
  const cell = ({ width: own }: Column, [text, tone]: Cell) =>
    piece(own < 0 ? padEnd(text, -own) : padStart(text, own), tone)
  const size = formatBytes(machine.totalBytes)
  const lines: readonly TextLine[] = [
    ...hang(
      [],
      `Models for ${plural(agents, 'agent')} on ${where === null ? `a Mac with ${size}` : `this machine: ${where}`}.`,
      room,
    ),
    [],
    shown.map((column) => cell(column, [column.title.toUpperCase(), 'dim'])),
    ...models.map((row): TextLine => shown.map((column) => cell(column, column.cell(row, sourceOf(row))))),
    [],
    ...hang(
      [],
      explainColumns(agents, firstTurnTokens)
        .map(([title, text]) => `${title.toUpperCase()}: ${text}`)
        .join(' '),
      room,
    ),
    ...explain(models).flatMap((text) => [[], ...hang([], text, room)]),
    ...(sources.length === 0 ? [] : [[], [piece('Sources', 'strong')]]),
    ...sources.flatMap((source, index) => hang([piece(`[${index + 1}] `)], saySource(source), room)),
  ]
  return renderLines(lines, { color })
}

/** What the table has no room for: what isn't known and why, the studio's model, what to do next. */
const explain = (models: readonly JudgedModel[]): readonly string[] => [
  ...models.flatMap(({ model, fit, why }) =>
    fit === 'unknown' ? [`${model.id} cannot be planned: ${why}.`] : [],
  ),
  ...sayMisfits(models.filter(({ fit }) => fit === 'does-not-fit')),
  ...explainChoice(models),
]

/** One sentence for all: on a small machine they are most of the catalogue. */
const sayMisfits = (models: readonly JudgedModel[]): readonly string[] => {
  if (models.length === 0) return []
  const needs = models.map(({ model, neededBytes }) => `${model.id} ${formatBytes(neededBytes)}`)
  return [
    `These do not fit. With all reserves, the Build Forge and a hundredth of memory free, they need: ${needs.join(', ')}.`,
  ]
}

export const renderModelList = (
  { dir, models, others }: ModelList,
  fetches: readonly ModelFetch[],
  { color }: { readonly color: boolean },
): readonly string[] => {
  const active = fetches.filter(isFetchActive)
  const width = Math.max(
    0,
    ...models.map(({ name }) => name.length),
    ...others.map(({ name }) => name.length),
  )
  const row = (name: string, bytes: number, rest: readonly Piece[]): TextLine => [
    piece(`  ${padEnd(name, width)}  ${formatBytes(bytes).padStart(9)}  `),
    ...rest,
  ]
  const lines: TextLine[] = [[piece(`Models in ${dir}`, 'strong')]]
  if (models.length === 0) lines.push([piece('  none; nexus model fetch NAME fetches one', 'dim')])
  for (const model of models) lines.push(row(model.name, model.bytes, describeState(model)))
  if (active.length > 0) lines.push([piece('Being fetched', 'strong')])
  for (const fetch of active) lines.push([piece(`  ${fetch.id}: ${describeFetch(fetch)}`, 'busy')])
  if (others.length > 0) lines.push([piece('Owned by other programs, used in place', 'strong')])
  for (const { program, name, bytes, path } of others)
    lines.push(row(name, bytes, [piece(`${program}, ${path}`, 'dim')]))
  return renderLines(lines, { color })
}

const describeState = ({ state, from, linkedTo }: ModelHere): readonly Piece[] => {
  const source = from === null ? [] : [piece(`, ${from}`, 'dim')]
  switch (state) {
    case 'whole':
      return [piece('whole', 'good'), ...source]
    case 'part':
      return [piece('incomplete', 'warn'), ...source]
    case 'unknown':
      return [piece('put here by hand, never checked', 'dim')]
    case 'linked':
      return [piece('whole', 'good'), piece(`, at ${linkedTo}`, 'dim')]
    case 'dangling':
      return [piece(`gone from ${linkedTo}`, 'bad')]
  }
}
