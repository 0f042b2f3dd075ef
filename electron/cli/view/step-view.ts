// One step of a test as text: a mark, its name, and what was seen; for `nexus try-claude`, and for `nexus clients --test` with
// the fix of the hop that fails. No I/O.
import type { ReachStep, ReachStepId } from '../../core/clients/reach-step.ts'
import type { ReachReport } from '../../core/clients/reach-test.ts'
import type { StepReport } from '../../core/try-claude/try-step.ts'
import { formatSeconds } from '../../wording/figures.ts'
import { hang, padEnd, piece, renderLine, renderLines, type Tone, type ViewOptions } from './text-line.ts'

type Mark = readonly [word: string, tone: Tone]

const tryMarks: Readonly<Record<StepReport['state'], Mark>> = {
  passed: ['✓', 'good'],
  failed: ['✗', 'bad'],
  skipped: ['–', 'dim'],
}

export const renderTryStep = (
  { title, state, seen, milliseconds }: StepReport,
  { width, color }: ViewOptions,
): readonly string[] => {
  const [mark, tone] = tryMarks[state]
  const took = state === 'skipped' ? '' : formatSeconds(milliseconds)
  const head = [piece(padEnd(mark, 2), tone), piece(padEnd(title, 40), 'strong'), piece(took, 'dim')]
  const below = hang([piece(' '.repeat(4))], seen, width, { tone: state === 'failed' ? 'bad' : 'plain' })
  return renderLines([head, ...below], { color })
}

const hops: Readonly<Record<ReachStepId, string>> = {
  address: 'Address',
  name: 'Name',
  connection: 'Connection',
  router: 'Router',
  key: 'Key',
  model: 'Model',
}
const reachMarks: Readonly<Record<ReachStep['level'], Mark>> = {
  ok: ['ok', 'good'],
  warn: ['warn', 'warn'],
  fail: ['FAIL', 'bad'],
  skipped: ['-', 'dim'],
}
const markWidth = 6
const hopWidth = 12

export const renderReachStep = (
  { id, level, found, mend, milliseconds }: ReachStep,
  { width, color }: ViewOptions,
): readonly string[] => {
  const [word, tone] = reachMarks[level]
  const time = !milliseconds || level !== 'ok' || id === 'model' ? '' : ` (${milliseconds} ms)`
  const head = [piece(padEnd(word, markWidth), tone), piece(padEnd(hops[id], hopWidth))]
  const indent = [piece(' '.repeat(markWidth + hopWidth))]
  const fix = mend === null ? [] : hang(indent, mend, width, { tone: 'strong' })
  return renderLines([...hang(head, `${found}${time}`, width), ...fix], { color })
}

export const renderReachSummary = (
  { works, failed, steps }: ReachReport,
  { color }: ViewOptions,
): readonly string[] => {
  const isWarned = steps.some(({ level }) => level === 'warn')
  const success = isWarned
    ? 'It works from here, but see the warnings above.'
    : 'Claude Code works from here.'
  const line = works
    ? piece(success, 'good')
    : piece(`It fails at: ${failed === null ? '' : hops[failed]}.`, 'bad')
  return ['', renderLine([line], color)]
}
