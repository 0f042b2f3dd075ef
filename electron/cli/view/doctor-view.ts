// `nexus doctor`'s report as text, grouped: one line for a passed check; found, why and fix for the others. No I/O.
import { type Check, type CheckLevel, checkGroups, type DoctorReport } from '../../core/doctor/check.ts'
import { plural } from '../../wording/figures.ts'
import {
  hang,
  padEnd,
  piece,
  renderLines,
  type TextLine,
  type Tone,
  truncate,
  type ViewOptions,
} from './text-line.ts'

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
  { width, color }: ViewOptions,
): readonly string[] => {
  const lines = [...new Set(Object.values(checkGroups))].flatMap((group): readonly TextLine[] => {
    const own = checks.filter((check) => check.group === group)
    const sorted = own.toSorted((a, b) => order.indexOf(a.level) - order.indexOf(b.level))
    return own.length === 0
      ? []
      : [[piece(group, 'strong')], ...sorted.flatMap((check) => renderCheck(check, width)), []]
  })
  return renderLines([...lines, renderSummary(summary)], { color })
}

const renderCheck = (check: Check, width: number): readonly TextLine[] => {
  const { word, tone } = marks[check.level]
  const head = [piece(`  ${padEnd(word, indent - 2)}`, tone), piece(padEnd(check.title, titleWidth))]
  const room = Math.max(20, width - indent) - titleWidth
  if (check.level === 'ok') return [[...head, piece(truncate(check.found, room), 'dim')]]
  return [
    ...hang(head, check.found, width, { tone }),
    ...hang(label('why'), check.why, width, { tone: 'dim' }),
    ...(check.mend === null ? [] : renderMend(check.mend, width)),
  ]
}

const label = (word: string): TextLine => [piece(`${' '.repeat(indent)}${word}: `, 'dim')]

/** Commands are for pasting, so they are never wrapped; sentences are. */
const renderMend = (mend: string, width: number): readonly TextLine[] =>
  /^[A-Z]/.test(mend)
    ? hang(label('mend'), mend, width, { tone: 'strong' })
    : [[...label('mend'), piece(mend, 'strong')]]

const renderSummary = ({ ok, warn, fail, unknown }: DoctorReport['summary']): TextLine => {
  const words = [
    `${ok} ok`,
    plural(warn, 'warning'),
    ...(unknown === 0 ? [] : [`${unknown} not known`]),
    plural(fail, 'failure'),
  ]
  return [piece(words.join(', '), fail > 0 ? 'bad' : warn + unknown > 0 ? 'warn' : 'good')]
}
