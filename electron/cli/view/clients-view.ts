// Client settings as text; lines meant for pasting are never wrapped. No I/O.

import { formatCount } from '../../core/base/format-bytes.ts'
import {
  type ClientGuides,
  type ClientSnippet,
  type DeveloperGuide,
  isShellSnippet,
} from '../../core/clients/client-guide.ts'
import { hang, piece, renderLines, type TextLine, type ViewOptions } from './text-line.ts'

/** For one developer everything; for several only what differs, and how to see the rest. */
export const renderClientGuides = (
  guides: ClientGuides,
  { width, color }: ViewOptions,
): readonly string[] => {
  const { developers, limits, warnings } = guides
  const alone = developers.length === 1
  const hint =
    developers.length === 0
      ? [[piece('No developer has a key yet: nexus key create NAME.', 'warn')], []]
      : [[piece('nexus clients NAME shows the Claude Code settings, SSH, Jump Desktop and the name.', 'dim')]]
  const room = `Each agent: ${formatCount(limits.contextTokens)} tokens of context, ${formatCount(limits.maxOutputTokens)} of output at most.`
  return renderLines(
    [
      ...developers.flatMap((developer) => renderDeveloper(developer, alone, width)),
      ...(alone ? [] : hint),
      [piece(room, 'dim')],
      ...warnings.flatMap((warning) => hang([], `Note: ${warning}.`, width, { tone: 'warn' })),
    ],
    { color },
  )
}

const renderDeveloper = (
  { name, snippets }: DeveloperGuide,
  everything: boolean,
  width: number,
): readonly TextLine[] => {
  const shown = snippets.filter((snippet) => everything || isShellSnippet(snippet))
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
  if (setting === null) return hang([piece('  - ')], note, width, { tone: 'dim' })
  const [, name = '', why = ''] = setting
  return [[piece(`  ${name}`, 'strong')], ...hang([piece(' '.repeat(6))], why, width, { tone: 'dim' })]
}
