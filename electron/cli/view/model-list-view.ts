// What `nexus model list` prints. Pure.
import type { ModelFetch } from '../../contract/snapshot.ts'
import type { ModelHere, ModelList } from '../../core/models/model-list.ts'
import { formatBytes } from '../../wording/figures.ts'
import { describeFetch, isFetchActive } from '../../wording/model-words.ts'
import { type Piece, padEnd, piece, renderLines, type TextLine } from './text-line.ts'

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
