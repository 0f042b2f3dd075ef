// The hops from a client to the model as text: one line each, and the fix for the one that fails. No I/O.
import type { ReachStep, ReachStepId } from '../../core/clients/reach-step.ts'
import type { ReachReport } from '../../core/clients/reach-test.ts'
import { hang, padEnd, piece, renderLine, renderLines, type Tone, type ViewOptions } from './text-line.ts'

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
  { width, color }: ViewOptions,
): readonly string[] => {
  const { word, tone } = marks[level]
  const time = !milliseconds || level !== 'ok' || id === 'model' ? '' : ` (${milliseconds} ms)`
  const head = [piece(padEnd(word, markWidth), tone), piece(padEnd(titles[id], titleWidth))]
  const indent = [piece(' '.repeat(markWidth + titleWidth))]
  const lines = [
    ...hang(head, `${found}${time}`, width),
    ...(mend === null ? [] : hang(indent, mend, width, { tone: 'strong' })),
  ]
  return renderLines(lines, { color })
}

export const renderReachSummary = (
  { works, failed, steps }: ReachReport,
  { color }: ViewOptions,
): readonly string[] => {
  const warns = steps.some(({ level }) => level === 'warn')
  const line = works
    ? piece(
        warns ? 'It works from here, but see the warnings above.' : 'Claude Code works from here.',
        'good',
      )
    : piece(`It fails at: ${failed === null ? '' : titles[failed]}.`, 'bad')
  return ['', renderLine([line], color)]
}
