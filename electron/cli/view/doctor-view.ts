// `nexus doctor`'s report as text, grouped: one line for a passed check; found, why and fix for the others. No I/O.
import { type Check, type CheckLevel, checkGroups } from '../../core/doctor/check.ts'
import type { DoctorReport } from '../../core/doctor/run-checks.ts'
import { plural } from '../../wording/figures.ts'
import {
  type Piece,
  padEnd,
  piece,
  renderLine,
  type TextLine,
  type Tone,
  truncate,
  wrap,
} from './text-line.ts'

export interface DoctorViewOptions {
  readonly width: number
  readonly color: boolean
}

const marks: Readonly<Record<CheckLevel, { readonly word: string; readonly tone: Tone }>> = {
  ok: { word: 'ok', tone: 'good' },
  warn: { word: 'warn', tone: 'warn' },
  fail: { word: 'FAIL', tone: 'bad' },
  unknown: { word: '?', tone: 'warn' },
}
/** Worst first. */
const order: readonly CheckLevel[] = ['fail', 'warn', 'unknown', 'ok']
const titleWidth = 19
const indent = 8

export const renderDoctor = (
  { checks, summary }: DoctorReport,
  { width, color }: DoctorViewOptions,
): readonly string[] => {
  const lines = [...new Set(Object.values(checkGroups))].flatMap((group): readonly TextLine[] => {
    const own = checks.filter((check) => check.group === group)
    const sorted = own.toSorted((a, b) => order.indexOf(a.level) - order.indexOf(b.level))
    return own.length === 0
      ? []
      : [[piece(group, 'strong')], ...sorted.flatMap((check) => renderCheck(check, width)), []]
  })
  return [...lines, renderSummary(summary)].map((line) => renderLine(line, color))
}

const renderCheck = (check: Check, width: number): readonly TextLine[] => {
  const { word, tone } = marks[check.level]
  const head: readonly Piece[] = [
    piece(`  ${padEnd(word, indent - 2)}`, tone),
    piece(padEnd(check.title, titleWidth)),
  ]
  const room = Math.max(20, width - indent)
  if (check.level === 'ok') return [[...head, piece(truncate(check.found, room - titleWidth), 'dim')]]
  const column = indent + titleWidth
  const found = wrap(check.found, Math.max(20, width - column), 12)
  return [
    ...found.map(
      (text, index): TextLine =>
        index === 0 ? [...head, piece(text, tone)] : [piece(' '.repeat(column)), piece(text, tone)],
    ),
    ...labelled('why', check.why, width, 'dim'),
    ...(check.mend === null ? [] : renderMend(check.mend, width)),
  ]
}

const labelled = (label: string, text: string, width: number, tone: Tone): readonly TextLine[] => {
  const lead = `${' '.repeat(indent)}${label}: `
  return wrap(text, Math.max(20, width - lead.length), 8).map((row, index) => [
    piece(index === 0 ? lead : ' '.repeat(lead.length), 'dim'),
    piece(row, tone),
  ])
}

/** Commands are for pasting, so they are never wrapped; sentences are. */
const renderMend = (mend: string, width: number): readonly TextLine[] =>
  /^[A-Z]/.test(mend)
    ? labelled('mend', mend, width, 'strong')
    : [[piece(`${' '.repeat(indent)}mend: `, 'dim'), piece(mend, 'strong')]]

const renderSummary = ({ ok, warn, fail, unknown }: DoctorReport['summary']): TextLine => {
  const words = [
    `${ok} ok`,
    plural(warn, 'warning'),
    ...(unknown === 0 ? [] : [`${unknown} not known`]),
    plural(fail, 'failure'),
  ]
  return [piece(words.join(', '), fail > 0 ? 'bad' : warn + unknown > 0 ? 'warn' : 'good')]
}
