// The services' plans as text: llama-server's command line with the reason for each flag, the Router's behaviours, the gateway. No I/O.
import type { PlanAnswer } from '../../contract/question.ts'
import type { EnginePlan } from '../../core/memory/stack-plan.ts'
import type { RouterBehaviour } from '../../core/router/router-plan.ts'
import { quoteArgv, quoteForShell } from '../../wording/shell-quote.ts'
import { hang, piece, renderLines, type TextLine, type Tone, type ViewOptions } from './text-line.ts'

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
