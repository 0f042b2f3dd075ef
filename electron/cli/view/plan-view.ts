// The memory plan as text: the Studio's map line by line, the checks, and the verdict last.

import type { MemoryPlan, PlanLine } from '../../contract/memory-plan.ts'
import { formatBytes, formatCount, gibibyte } from '../../core/base/format-bytes.ts'
import type { PlanDifference } from '../../core/memory/memory-map.ts'
import type { MemoryPlanReading } from '../../core/memory/stack-plan.ts'
import { piece, renderLines, type TextLine, type Tone, type ViewOptions } from './text-line.ts'

const labelWidth = 32
const sizeWidth = 12
const seedWidth = 9

/** Words longer than a line stay whole: a split path can't be copied. @param lead before the first line; later ones get blanks */
const wrapWords = (lead: string, text: string, width: number, tone: Tone = 'plain'): readonly TextLine[] => {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`
    else lines.push(`${last === undefined ? lead : ' '.repeat(lead.length)}${word}`)
  }
  return lines.map((line) => [piece(line, tone)])
}

const row = (label: string, size: string, seed: string): string =>
  `${label.padEnd(labelWidth)}${size.padStart(sizeWidth)}${seed.padStart(seedWidth)}`.trimEnd()

const viewLine = (line: PlanLine, width: number): readonly TextLine[] => {
  const size = line.bytes === null ? 'not known' : `${line.estimated ? '~' : ''}${formatBytes(line.bytes)}`
  // The map says GB, and adds up to the 256 GiB of its machine.
  const seed =
    line.seedBytes === null ? '' : line.seedBytes === 0 ? '-' : `${(line.seedBytes / gibibyte).toFixed(0)} GB`
  const head = row(line.label, size, seed)
  if (line.note === null) return [[piece(head)]]
  const column = labelWidth + sizeWidth + seedWidth + 2
  if (column + line.note.length <= width) return [[piece(head.padEnd(column)), piece(line.note, 'dim')]]
  return [[piece(head)], ...wrapWords('    ', line.note, width, 'dim')]
}

const viewLargest = (plan: MemoryPlan): readonly string[] => {
  const { split, pool } = plan.largest
  const say = (kind: string, flags: string, largest: typeof split, upTo: string): string =>
    largest === null
      ? `largest ${kind} that fits: ${plan.uncounted === null ? 'none' : 'not known'}`
      : `largest ${kind} that fits: ${flags} ${largest.contextTokens}, ${upTo}${formatCount(largest.tokensPerAgent)} tokens for each agent`
  return [say('split', '-c', split, ''), say('pool', '-kvu -c', pool, 'up to ')]
}

const verdicts: Readonly<Record<MemoryPlan['verdict'], readonly [Tone, string]>> = {
  fits: ['good', 'fits'],
  'fits-without-linker-reserve': ['warn', 'fits only without the linker reserve'],
  'does-not-fit': ['bad', 'does not fit'],
  unknown: ['warn', 'unknown'],
}

export const renderPlanText = (plan: MemoryPlan, { width, color }: ViewOptions): readonly string[] => {
  const listed = (mark: string, texts: readonly string[], tone: Tone = 'plain') =>
    texts.flatMap((text) => wrapWords(`  ${mark} `, text, width, tone))
  const hasSeed = plan.lines.some((line) => line.seedBytes !== null)
  const [tone, verdict] = verdicts[plan.verdict]
  const uncounted = plan.uncounted === null ? '' : ` (not counted: ${plan.uncounted})`
  const fits = plan.verdict === 'fits'
  const changes = plan.suggestions.map(({ text, isEnough }) =>
    isEnough && !fits ? `${text} (that is enough)` : text,
  )
  const lines: readonly TextLine[] = [
    [piece(row('Memory plan', 'planned', hasSeed ? 'the map' : ''), 'strong')],
    ...plan.lines.flatMap((line) => viewLine(line, width)),
    [piece(row('Together', formatBytes(plan.totalBytes), hasSeed ? '256 GB' : ''), 'strong')],
    [],
    ...listed('-', plan.reasons),
    ...listed('-', [`agents: ${plan.agents.note}`, ...viewLargest(plan), `swap: ${plan.swapRule}`]),
    ...listed('!', plan.warnings, 'warn'),
    ...(changes.length === 0 ? [] : [[], [piece(fits ? 'What would save memory:' : 'What would help:')]]),
    ...listed('>', changes),
    [],
    ...wrapWords('', `Verdict: ${verdict}${uncounted}`, width, tone),
  ]
  return renderLines(lines, { color })
}

export const renderMemoryReading = (memory: MemoryPlanReading, options: ViewOptions): readonly string[] =>
  memory.kind === 'planned'
    ? renderPlanText(memory.plan, options)
    : [`Memory: not known, since ${memory.reason}`]

/** After a start: planned bytes against the allocations in llama-server's log. */
export const renderPlanDifferences = (
  differences: readonly PlanDifference[],
  { color }: ViewOptions,
): readonly string[] => {
  const columns = (label: string, planned: string, actual: string, off: string): string =>
    `${label.padEnd(labelWidth)}${planned.padStart(sizeWidth)}${actual.padStart(sizeWidth)}${off.padStart(10)}`
  return renderLines(
    [
      [piece(columns('Memory', 'planned', 'allocated', 'off by'), 'strong')],
      ...differences.map(({ label, plannedBytes, actualBytes, relative }) => [
        piece(
          columns(
            label,
            plannedBytes === null ? 'not known' : formatBytes(plannedBytes),
            formatBytes(actualBytes),
            relative === null ? '' : `${relative >= 0 ? '+' : ''}${(relative * 100).toFixed(1)} %`,
          ),
        ),
      ]),
    ],
    { color },
  )
}
