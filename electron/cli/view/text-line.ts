// Lines of toned pieces, measured, cut and aligned before colour codes are added.
import { showControls } from '../../wording/visible-text.ts'

/** The meaning of a piece of text. It determines the colour; the words must say it too. */
export type Tone = 'plain' | 'strong' | 'dim' | 'good' | 'busy' | 'warn' | 'bad'

export interface Piece {
  readonly text: string
  readonly tone: Tone
}
export type TextLine = readonly Piece[]

/** Only the 8 basic colours, as the user's theme defines them: readable on dark and light backgrounds. Blue isn't on dark. */
const codes: Readonly<Record<Tone, string>> = {
  plain: '',
  strong: '1',
  dim: '2',
  good: '32',
  busy: '36',
  warn: '33',
  bad: '31',
}

export const piece = (text: string, tone: Tone = 'plain'): Piece => ({ text: printable(text), tone })

/** Escape sequences in foreign text, such as log lines and names, must not reach the terminal. */
export const printable = (text: string): string => showControls(text).replace(/[\t\n]+/g, ' ')

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' })
const invisible = /^[\p{Mn}\p{Me}\p{Cf}]+$/u
const emoji = /\p{Emoji_Presentation}|\ufe0f/u
/** East Asian Wide and Fullwidth (Unicode UAX #11), the blocks in use. */
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}]/u
const plainAscii = /^[\x20-\x7e]*$/

const readGraphemeWidth = (grapheme: string): number => {
  if (invisible.test(grapheme)) return 0
  return emoji.test(grapheme) || wide.test(grapheme) ? 2 : 1
}

/** Columns on a terminal. */
export const readWidth = (text: string): number => {
  if (plainAscii.test(text)) return text.length
  let width = 0
  for (const { segment } of segmenter.segment(text)) width += readGraphemeWidth(segment)
  return width
}

/** At most `width` columns; an ellipsis replaces the rest. */
export const truncate = (text: string, width: number): string => {
  if (readWidth(text) <= width) return text
  if (width <= 0) return ''
  let kept = ''
  let used = 0
  for (const { segment } of segmenter.segment(text)) {
    const next = readGraphemeWidth(segment)
    if (used + next > width - 1) break
    kept += segment
    used += next
  }
  return `${kept.trimEnd()}…`
}

export const padEnd = (text: string, width: number): string => {
  const fitting = truncate(text, width)
  return fitting + ' '.repeat(Math.max(0, width - readWidth(fitting)))
}

export const padStart = (text: string, width: number): string => {
  const fitting = truncate(text, width)
  return ' '.repeat(Math.max(0, width - readWidth(fitting))) + fitting
}

/** Cells below each other, two blanks apart. @param leftColumns aligned to the left; the others to the right */
export const alignCells = (
  rows: readonly (readonly string[])[],
  leftColumns: readonly number[] = [],
): readonly string[] => {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => readWidth(row[column] ?? ''))),
  )
  const pad = (cell: string, column: number) =>
    (leftColumns.includes(column) ? padEnd : padStart)(cell, widths[column] ?? 0)
  return rows.map((row) => row.map(pad).join('  ').trimEnd())
}

export const readLineWidth = (line: TextLine): number =>
  line.reduce((sum, each) => sum + readWidth(each.text), 0)

export const truncateLine = (line: TextLine, width: number): TextLine => {
  if (readLineWidth(line) <= width) return line
  const kept: Piece[] = []
  let room = width
  for (const each of line) {
    const own = readWidth(each.text)
    // A piece that does not fit gets the ellipsis, as does one that fits exactly while more follows.
    if (own < room) {
      kept.push(each)
      room -= own
      continue
    }
    kept.push({ ...each, text: truncate(`${each.text}  `, room) })
    break
  }
  return kept
}

/** Puts `right` at the right edge. If both do not fit, cuts `left` first, and drops `right` when there is no room. */
export const justify = (left: TextLine, right: TextLine, width: number): TextLine => {
  const rightWidth = readLineWidth(right)
  if (rightWidth === 0 || width - rightWidth - 2 < Math.min(readLineWidth(left), width / 3)) {
    return truncateLine(left, width)
  }
  const fitting = truncateLine(left, width - rightWidth - 2)
  const gap = width - rightWidth - readLineWidth(fitting)
  return [...fitting, { text: ' '.repeat(gap), tone: 'plain' }, ...right]
}

/** Splits a word wider than a line, such as a path, into pieces that fit. */
const splitWord = (word: string, width: number): readonly string[] => {
  if (readWidth(word) <= width) return [word]
  const pieces: string[] = []
  let current = ''
  for (const { segment } of segmenter.segment(word)) {
    if (current !== '' && readWidth(current + segment) > width) {
      pieces.push(current)
      current = ''
    }
    current += segment
  }
  return [...pieces, current]
}

/** Wraps words onto at most `maxLines` lines of at most `width`; an ellipsis marks omitted text. */
export const wrap = (text: string, width: number, maxLines: number): readonly string[] => {
  const lines: string[] = []
  let line = ''
  const words = printable(text)
    .split(' ')
    .filter((word) => word !== '')
    .flatMap((word) => splitWord(word, width))
  for (const [index, word] of words.entries()) {
    const longer = line === '' ? word : `${line} ${word}`
    if (readWidth(longer) <= width) {
      line = longer
      continue
    }
    if (lines.length === maxLines - 1)
      return [...lines, truncate([line, ...words.slice(index)].join(' '), width)]
    lines.push(line)
    line = word
  }
  return line === '' ? lines : [...lines, line]
}

/** `text` wrapped in the column beside `head`, at least 20 wide; its later rows are indented to that column. */
export const hang = (
  head: TextLine,
  text: string,
  width: number,
  { tone = 'plain', mostLines = 12 }: { readonly tone?: Tone; readonly mostLines?: number } = {},
): readonly TextLine[] => {
  const column = readLineWidth(head)
  return wrap(text, Math.max(20, width - column), mostLines).map((row, index) => [
    ...(index === 0 ? head : [piece(' '.repeat(column))]),
    piece(row, tone),
  ])
}

/** What a view needs to know of the terminal. */
export interface ViewOptions {
  readonly width: number
  readonly color: boolean
}

export const renderLines = (
  lines: readonly TextLine[],
  { color }: Pick<ViewOptions, 'color'>,
): readonly string[] => lines.map((line) => renderLine(line, color))

/** Renders tones as text and truncates each line to the width. */
export const finishLines = (lines: readonly TextLine[], { width, color }: ViewOptions): readonly string[] =>
  lines.map((line) => renderLine(truncateLine(line, width), color))

export const renderLine = (line: TextLine, color: boolean): string =>
  line
    .map(({ text, tone }) =>
      !color || codes[tone] === '' || text.trim() === '' ? text : `\x1b[${codes[tone]}m${text}\x1b[0m`,
    )
    .join('')
    .trimEnd()

/**
 * A share of 0 to 1 as a bar. Heavy on light lines keep it apart from the row below and legible without colour. Above 0
 * it shows at least one cell, and below 1 it never looks full.
 */
export const bar = (share: number | null, width: number, tone: Tone): TextLine => {
  const cells = share === null ? 0 : Math.round(share * width)
  const filled =
    share === null || share <= 0 ? 0 : share >= 1 ? width : Math.min(width - 1, Math.max(1, cells))
  return [piece('━'.repeat(filled), tone), piece('─'.repeat(width - filled), 'dim')]
}
