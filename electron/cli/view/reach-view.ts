// The hops from a client to the model as text: one line each, and the fix for the one that fails. No I/O.
import type { ReachStep, ReachStepId } from '../../core/clients/reach-step.ts'
import type { ReachReport } from '../../core/clients/reach-test.ts'
import { padEnd, piece, renderLine, type TextLine, type Tone, wrap } from './text-line.ts'

export interface ReachViewOptions {
  readonly width: number
  readonly color: boolean
}

const titles: Readonly<Record<ReachStepId, string>> = {
  address: 'Address',
  name: 'Name',
  connection: 'Connection',
  router: 'Router',
  key: 'Key',
  model: 'Model',
}
const marks: Readonly<Record<ReachStep['level'], { readonly word: string; readonly tone: Tone }>> = {
  ok: { word: 'ok', tone: 'good' },
  warn: { word: 'warn', tone: 'warn' },
  fail: { word: 'FAIL', tone: 'bad' },
  skipped: { word: '-', tone: 'dim' },
}
const markWidth = 6
const titleWidth = 12

export const renderReachStep = (
  { id, level, found, mend, milliseconds }: ReachStep,
  { width, color }: ReachViewOptions,
): readonly string[] => {
  const { word, tone } = marks[level]
  const time = !milliseconds || level !== 'ok' || id === 'model' ? '' : ` (${milliseconds} ms)`
  const column = markWidth + titleWidth
  const rows = wrap(`${found}${time}`, Math.max(20, width - column), 12)
  const lines: readonly TextLine[] = [
    ...rows.map(
      (row, index): TextLine =>
        index === 0
          ? [piece(padEnd(word, markWidth), tone), piece(padEnd(titles[id], titleWidth)), piece(row)]
          : [piece(' '.repeat(column)), piece(row)],
    ),
    ...(mend === null
      ? []
      : wrap(mend, Math.max(20, width - column), 12).map(
          (row): TextLine => [piece(' '.repeat(column)), piece(row, 'strong')],
        )),
  ]
  return lines.map((line) => renderLine(line, color))
}

export const renderReachSummary = (
  { works, failed, steps }: ReachReport,
  { color }: ReachViewOptions,
): readonly string[] => {
  const warnings = steps.filter(({ level }) => level === 'warn').length
  const line: TextLine = works
    ? [
        piece(
          warnings === 0 ? 'Claude Code works from here.' : 'It works from here, but see the warnings above.',
          'good',
        ),
      ]
    : [piece(`It fails at: ${failed === null ? '' : titles[failed]}.`, 'bad')]
  return ['', renderLine(line, color)]
}
