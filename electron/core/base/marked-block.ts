// Finds and replaces our part of a file, between two marks, and detects edits in it. Pure.
import { createHash } from 'node:crypto'

/** Comment syntax of the file's language. */
export interface MarkStyle {
  comment(text: string): string
}

export const markdownMarks: MarkStyle = { comment: (text) => `<!-- ${text} -->` }
export const yamlMarks: MarkStyle = { comment: (text) => `# ${text}` }

export type BlockReading =
  | { readonly kind: 'absent' }
  /** Unchanged; `facts` is what it was made from. */
  | { readonly kind: 'intact'; readonly facts: string }
  | { readonly kind: 'edited' }
  /** The marks don't form one block. */
  | { readonly kind: 'broken'; readonly reason: string }

export interface Block {
  readonly body: string
  /** Identifies what the body was made from: a block with the same facts is up to date. No whitespace. */
  readonly facts: string
}

const hint = 'generated: text outside of these marks is yours and is kept'
const beginPattern = /opta-nexus:begin hash=([0-9a-f]{16}) facts=(\S+)/
const endMark = 'opta-nexus:end'

/** Ignores line endings and trailing whitespace, which editors change by themselves. */
const digest = (body: string): string =>
  createHash('sha256').update(body.replaceAll('\r\n', '\n').trim()).digest('hex').slice(0, 16)

interface Place {
  readonly lines: readonly string[]
  readonly begin: number
  readonly end: number
}

const findBlock = (text: string): Place | { readonly reason: string } | null => {
  const lines = text.split('\n')
  const begins = lines.flatMap((line, index) => (line.includes('opta-nexus:begin') ? [index] : []))
  const ends = lines.flatMap((line, index) => (line.includes(endMark) ? [index] : []))
  if (begins.length === 0 && ends.length === 0) return null
  const [begin, end] = [begins[0], ends[0]]
  if (begin === undefined) return { reason: `line ${(end ?? 0) + 1} ends a block that has no begin mark` }
  if (end === undefined) return { reason: `the block that begins in line ${begin + 1} has no end mark` }
  if (begins.length > 1 || ends.length > 1)
    return { reason: `there is more than one block (lines ${[...begins, ...ends].map((at) => at + 1)})` }
  if (end < begin) return { reason: `the end mark (line ${end + 1}) comes before the begin mark` }
  return { lines, begin, end }
}

export const readBlock = (text: string): BlockReading => {
  const place = findBlock(text)
  if (place === null) return { kind: 'absent' }
  if ('reason' in place) return { kind: 'broken', reason: place.reason }
  const mark = beginPattern.exec(place.lines[place.begin] ?? '')
  const body = place.lines.slice(place.begin + 1, place.end).join('\n')
  return mark !== null && mark[1] === digest(body)
    ? { kind: 'intact', facts: mark[2] ?? '' }
    : { kind: 'edited' }
}

/**
 * The file with the block: replaces an existing one, else is appended. Keeps text outside of the block byte for byte.
 * Throws an Error when the marks are broken.
 */
export const putBlock = (text: string, { body, facts }: Block, style: MarkStyle): string => {
  const place = findBlock(text)
  if (place !== null && 'reason' in place) throw new Error(place.reason)
  const eol = /\r\n/.test(text) ? '\r\n' : '\n'
  const begin = style.comment(`opta-nexus:begin hash=${digest(body)} facts=${facts} (${hint})`)
  const block = [begin, ...body.trim().split('\n'), style.comment(endMark)].join(eol)
  if (place === null) {
    if (text.trim() === '') return `${block}${eol}`
    return `${text}${text.endsWith('\n') ? '' : eol}${eol}${block}${eol}`
  }
  const before = place.lines.slice(0, place.begin).map((line) => `${line}\n`)
  const after = place.lines.slice(place.end + 1)
  const rest = after.length === 0 ? '' : `${eol}${after.join('\n')}`
  return `${before.join('')}${block}${rest}`
}
