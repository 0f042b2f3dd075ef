// The memory plan as text: the Studio's map line by line, the checks, and the verdict last.

import type { MemoryPlan, PlanLine } from '../../contract/memory-plan.ts'
import { formatBytes, formatCount, gibibyte } from '../../core/base/format-bytes.ts'
import type { PlanDifference } from '../../core/memory/compare-plan.ts'
import type { MemoryPlanReading } from '../../core/memory/stack-plan.ts'

export interface PlanViewOptions {
  readonly width: number
  readonly color: boolean
}

type Style = 'bold' | 'dim' | 'green' | 'yellow' | 'red'
const styleCodes: Readonly<Record<Style, number>> = { bold: 1, dim: 2, green: 32, yellow: 33, red: 31 }
type Paint = (style: Style, text: string) => string

const labelWidth = 32
const sizeWidth = 12
const seedWidth = 9

/** Words longer than a line stay whole: a split path can't be copied. */
function wrap(text: string, width: number, indent: string): readonly string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`
    else lines.push(`${indent}${word}`)
  }
  return lines
}

function row(label: string, size: string, seed: string): string {
  return `${label.padEnd(labelWidth)}${size.padStart(sizeWidth)}${seed.padStart(seedWidth)}`.trimEnd()
}

function viewLine(line: PlanLine, options: PlanViewOptions, paint: Paint): readonly string[] {
  const size = line.bytes === null ? 'not known' : `${line.estimated ? '~' : ''}${formatBytes(line.bytes)}`
  // The map says GB, and adds up to the 256 GiB of its machine.
  const seed =
    line.seedBytes === null ? '' : line.seedBytes === 0 ? '-' : `${(line.seedBytes / gibibyte).toFixed(0)} GB`
  const head = row(line.label, size, seed)
  if (line.note === null) return [head]
  const column = labelWidth + sizeWidth + seedWidth + 2
  if (column + line.note.length <= options.width) return [`${head.padEnd(column)}${paint('dim', line.note)}`]
  return [head, ...wrap(line.note, options.width, '    ').map((text) => paint('dim', text))]
}

function viewLargest(plan: MemoryPlan): readonly string[] {
  const { split, pool } = plan.largest
  const say = (kind: string, flags: string, largest: typeof split, upTo: string): string =>
    largest === null
      ? `largest ${kind} that fits: ${plan.uncounted === null ? 'none' : 'not known'}`
      : `largest ${kind} that fits: ${flags} ${largest.contextTokens}, ${upTo}${formatCount(largest.tokensPerAgent)} tokens for each agent`
  return [say('split', '-c', split, ''), say('pool', '-kvu -c', pool, 'up to ')]
}

function sayVerdict(plan: MemoryPlan): readonly [Style, string] {
  const verdicts: Readonly<Record<MemoryPlan['verdict'], readonly [Style, string]>> = {
    fits: ['green', 'fits'],
    'fits-without-linker-reserve': ['yellow', 'fits only without the linker reserve'],
    'does-not-fit': ['red', 'does not fit'],
    unknown: ['yellow', 'unknown'],
  }
  const [style, words] = verdicts[plan.verdict]
  return [style, plan.uncounted === null ? words : `${words} (not counted: ${plan.uncounted})`]
}

export function renderPlanText(plan: MemoryPlan, options: PlanViewOptions): string[] {
  const paint: Paint = (style, text) =>
    options.color ? `\u001b[${styleCodes[style]}m${text}\u001b[0m` : text
  const listed = (mark: string, texts: readonly string[]): readonly string[] =>
    texts.flatMap((text) => {
      const [first = '', ...rest] = wrap(text, options.width, '    ')
      return [`  ${mark} ${first.trimStart()}`, ...rest]
    })
  const hasSeed = plan.lines.some((line) => line.seedBytes !== null)
  const [verdictStyle, verdict] = sayVerdict(plan)
  const verdictLines = wrap(`Verdict: ${verdict}`, options.width, '').map((text) => paint(verdictStyle, text))
  const fits = plan.verdict === 'fits'
  const changes = plan.suggestions.map(({ text, isEnough }) =>
    isEnough && !fits ? `${text} (that is enough)` : text,
  )
  return [
    paint('bold', row('Memory plan', 'planned', hasSeed ? 'the map' : '')),
    ...plan.lines.flatMap((line) => viewLine(line, options, paint)),
    paint('bold', row('Together', formatBytes(plan.totalBytes), hasSeed ? '256 GB' : '')),
    '',
    ...listed('-', plan.reasons),
    ...listed('-', [`agents: ${plan.agents.note}`]),
    ...listed('-', viewLargest(plan)),
    ...listed('-', [`swap: ${plan.swapRule}`]),
    ...listed('!', plan.warnings).map((text) => paint('yellow', text)),
    ...(changes.length === 0
      ? []
      : ['', fits ? 'What would save memory:' : 'What would help:', ...listed('>', changes)]),
    '',
    ...verdictLines,
  ]
}

export const renderMemoryReading = (
  memory: MemoryPlanReading,
  options: PlanViewOptions,
): readonly string[] =>
  memory.kind === 'planned'
    ? renderPlanText(memory.plan, options)
    : [`Memory: not known, since ${memory.reason}`]

/** After a start: planned bytes against the allocations in llama-server's log. */
export function renderPlanDifferences(
  differences: readonly PlanDifference[],
  options: PlanViewOptions,
): string[] {
  const columns = (label: string, planned: string, actual: string, off: string): string =>
    `${label.padEnd(labelWidth)}${planned.padStart(sizeWidth)}${actual.padStart(sizeWidth)}${off.padStart(10)}`.trimEnd()
  const title = columns('Memory', 'planned', 'allocated', 'off by')
  return [
    options.color ? `\u001b[${styleCodes.bold}m${title}\u001b[0m` : title,
    ...differences.map(({ label, plannedBytes, actualBytes, relative }) =>
      columns(
        label,
        plannedBytes === null ? 'not known' : formatBytes(plannedBytes),
        formatBytes(actualBytes),
        relative === null ? '' : `${relative >= 0 ? '+' : ''}${(relative * 100).toFixed(1)} %`,
      ),
    ),
  ]
}
