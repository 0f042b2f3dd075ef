// `nexus plan` as text: the memory map line by line with the verdict last, llama-server's command line with the reason for
// each flag, the Router's behaviours, the gateway. No I/O.
import type { MemoryPlan, PlanLine } from '../../contract/memory-plan.ts'
import type { PlanAnswer } from '../../contract/question.ts'
import { formatBytes, formatCount, gibibyte } from '../../core/base/format-bytes.ts'
import type { PlanDifference } from '../../core/memory/memory-map.ts'
import type { EnginePlan, MemoryPlanReading } from '../../core/memory/stack-plan.ts'
import type { RouterBehaviour } from '../../core/router/router-plan.ts'
import { quoteArgv, quoteForShell } from '../../wording/shell-quote.ts'
import { hang, piece, renderLines, type TextLine, type Tone, type ViewOptions } from './text-line.ts'

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

const flagColumn = 22

export const renderEnginePlan = (
  { binary, version, assumedBuild, argv, seedFlags, adaptations, warnings, problems }: EnginePlan,
  { width, color }: ViewOptions,
): readonly string[] => {
  const found =
    binary === null
      ? `not installed${assumedBuild === null ? '' : `; planned for ${assumedBuild} until nexus up installs one`}`
      : `${binary.source}, ${version ?? 'version not known'}`
  const differs = adaptations.flatMap(({ flag, ours, reason }) =>
    labelled(ours ?? `without ${flag}`, reason, width),
  )
  const shares = seedFlags.flatMap(({ ours, purpose, seed }) =>
    labelled(ours, seed === null ? purpose : `${purpose} The seed has ${seed}.`, width),
  )
  const lines: readonly TextLine[] = [
    [piece('AI Engine', 'strong'), piece(`  llama-server, ${found}`)],
    ...(argv === null ? [] : renderArgv(argv)),
    ...titled("Why it differs from the seed's line", differs),
    ...titled("What it shares with the seed's line", shares),
    ...warnings.flatMap((warning) => labelled('Warning', warning, width, 'warn')),
    ...problems.flatMap((problem) => labelled('Problem', problem, width, 'bad')),
  ]
  return renderLines(lines, { color })
}

const titled = (title: string, rows: readonly TextLine[]): readonly TextLine[] =>
  rows.length === 0 ? [] : [[], [piece(title, 'strong')], ...rows]

/** One flag per line. Never cut: it is for copying. */
const renderArgv = (argv: readonly string[]): readonly TextLine[] => {
  const [program = '', ...words] = argv
  const groups: string[] = []
  for (const word of words) {
    if (isFlag(word) || groups.length === 0) groups.push(quoteForShell(word))
    else groups[groups.length - 1] += ` ${quoteForShell(word)}`
  }
  const rows = [quoteForShell(program), ...groups.map((group) => `  ${group}`)]
  return rows.map((row, index) => [piece(index === rows.length - 1 ? `  ${row}` : `  ${row} \\`, 'dim')])
}

const isFlag = (word: string): boolean => /^--?[a-z]/.test(word)

/** A label with its text beside it; a label too long for its column gets its own line. */
const labelled = (label: string, text: string, width: number, tone: Tone = 'plain'): readonly TextLine[] => {
  const isLong = label.length >= flagColumn
  const head = piece(`  ${(isLong ? '' : label).padEnd(flagColumn)}`, tone)
  return [
    ...(isLong ? [[piece(`  ${label}`, tone)]] : []),
    ...hang([head], text, width, { tone: 'dim', mostLines: 20 }),
  ]
}

/** One entry for each switch. */
export const renderRouterPlan = (
  behaviours: readonly RouterBehaviour[],
  { width, color }: ViewOptions,
): readonly string[] =>
  renderLines(
    [
      [piece('The Router', 'strong')],
      ...behaviours.flatMap(({ setting, on, does }) => [
        ...hang([on ? piece('  on  ', 'good') : piece('  off ', 'warn')], does, width),
        [piece(`      ${setting}`, 'dim')],
      ]),
    ],
    { color },
  )

/** The command line is never cut: it is for pasting. */
export const renderGatewayPlan = (
  { endpoint, argv, notes }: NonNullable<PlanAnswer['gateway']>,
  { width, color }: ViewOptions,
): readonly string[] =>
  renderLines(
    [
      [piece('The Gateway', 'strong'), piece(`   ${endpoint}`)],
      [piece(`  ${quoteArgv(argv)}`)],
      ...notes.flatMap((note) => hang([piece('  - ')], note, width)),
    ],
    { color },
  )
