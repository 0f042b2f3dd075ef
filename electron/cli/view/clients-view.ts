// Client settings as text; lines meant for pasting are never wrapped. No I/O.

import { formatCount } from '../../core/base/format-bytes.ts'
import type { ClientGuides, ClientSnippet, DeveloperGuide } from '../../core/clients/client-guide.ts'
import { shellIds } from '../../core/clients/shell-snippets.ts'
import { piece, renderLine, type TextLine, wrap } from './text-line.ts'

export interface ClientsViewOptions {
  readonly width: number
  readonly color: boolean
}

/** For one developer everything; for several only what differs, and how to see the rest. */
export const renderClientGuides = (
  guides: ClientGuides,
  { width, color }: ClientsViewOptions,
): readonly string[] => {
  const alone = guides.developers.length === 1
  const lines: readonly TextLine[] = [
    ...guides.developers.flatMap((developer) => renderDeveloper(developer, alone, width)),
    ...(guides.developers.length === 0
      ? [[piece('No developer has a key yet: nexus key create NAME.', 'warn')], []]
      : []),
    ...(alone || guides.developers.length === 0
      ? []
      : [
          [
            piece(
              'nexus clients NAME shows the Claude Code settings, SSH, Jump Desktop and the name.',
              'dim',
            ),
          ],
        ]),
    [piece(describeLimits(guides), 'dim')],
    ...guides.warnings.flatMap((warning) =>
      wrap(`Note: ${warning}.`, width, 6).map((row): TextLine => [piece(row, 'warn')]),
    ),
  ]
  return lines.map((line) => renderLine(line, color))
}

const describeLimits = ({ limits }: ClientGuides): string =>
  `Each agent: ${formatCount(limits.contextTokens)} tokens of context, ${formatCount(limits.maxOutputTokens)} of output at most.`

const renderDeveloper = (
  { name, snippets }: DeveloperGuide,
  everything: boolean,
  width: number,
): readonly TextLine[] => {
  const isShell = ({ id }: ClientSnippet) => shellIds.some((shell) => shell === id)
  const shown = snippets.filter((snippet) => everything || isShell(snippet))
  return [
    [piece(name, 'strong')],
    [],
    ...shown.flatMap((snippet) => renderSnippet(snippet, everything, width)),
  ]
}

const renderSnippet = (
  { title, text, notes }: ClientSnippet,
  withNotes: boolean,
  width: number,
): readonly TextLine[] => [
  [piece(`${title}:`, 'dim')],
  [],
  // Not indented: text pasted into a shell or a YAML-like file must not gain blanks.
  ...text.split('\n').map((line): TextLine => [piece(line)]),
  [],
  ...(withNotes ? [...notes.flatMap((note) => renderNote(note, width)), []] : []),
]

/** "NAME: why", with names in one column, so that the reader finds the line that a note explains. */
const renderNote = (note: string, width: number): readonly TextLine[] => {
  const setting = /^([A-Z][A-Z0-9_]+|permissions\.deny): (.*)$/s.exec(note)
  const [label, words] = setting === null ? ['-', note] : [setting[1] ?? '', setting[2] ?? '']
  const lead = `  ${label} `
  const indent = setting === null ? lead.length : 6
  const rows = wrap(words, Math.max(20, width - indent), 12)
  if (setting !== null)
    return [
      [piece(lead, 'strong')],
      ...rows.map((row): TextLine => [piece(' '.repeat(indent)), piece(row, 'dim')]),
    ]
  return rows.map((row, index) => [piece(index === 0 ? lead : ' '.repeat(indent)), piece(row, 'dim')])
}
