// llama-server's planned command line as text: one flag per line, then the reason for each. No I/O.
import type { EnginePlan } from '../../core/memory/stack-plan.ts'
import { quoteForShell } from '../../wording/shell-quote.ts'
import { type Piece, piece, renderLine, type TextLine, wrap } from './text-line.ts'

export interface EnginePlanViewOptions {
  readonly width: number
  readonly color: boolean
}

const flagColumn = 22

export const renderEnginePlan = (
  { binary, version, assumedBuild, argv, seedFlags, adaptations, warnings, problems }: EnginePlan,
  { width, color }: EnginePlanViewOptions,
): readonly string[] => {
  const lines: TextLine[] = []
  const found =
    binary === null
      ? `not installed${assumedBuild === null ? '' : `; planned for ${assumedBuild} until nexus up installs one`}`
      : `${binary.source}, ${version ?? 'version not known'}`
  lines.push([piece('AI Engine', 'strong'), piece(`  llama-server, ${found}`)])
  // Never cut: it is for copying.
  if (argv !== null) lines.push(...renderArgv(argv))
  if (adaptations.length > 0) {
    lines.push([], [piece("Why it differs from the seed's line", 'strong')])
    for (const { flag, ours, reason } of adaptations) {
      lines.push(...hang(ours === null ? `without ${flag}` : ours, reason, width))
    }
  }
  if (seedFlags.length > 0) {
    lines.push([], [piece("What it shares with the seed's line", 'strong')])
    for (const { ours, purpose, seed } of seedFlags)
      lines.push(...hang(ours, seed === null ? purpose : `${purpose} The seed has ${seed}.`, width))
  }
  for (const warning of warnings) lines.push(...hang('Warning', warning, width, 'warn'))
  for (const problem of problems) lines.push(...hang('Problem', problem, width, 'bad'))
  return lines.map((line) => renderLine(line, color))
}

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
const hang = (
  label: string,
  text: string,
  width: number,
  tone: Piece['tone'] = 'plain',
): readonly TextLine[] => {
  const rows = wrap(text, Math.max(20, width - flagColumn - 2), 20)
  const short = label.length < flagColumn
  const head: TextLine[] = short ? [] : [[piece(`  ${label}`, tone)]]
  return [
    ...head,
    ...rows.map(
      (row, index): TextLine => [
        piece(`  ${(index === 0 && short ? label : '').padEnd(flagColumn)}`, tone),
        piece(row, 'dim'),
      ],
    ),
  ]
}
