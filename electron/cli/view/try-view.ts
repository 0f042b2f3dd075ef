// One step of `nexus try-claude` as text: a mark, its name, how long it took, and what was seen. No I/O.
import type { StepReport } from '../../core/try-claude/try-step.ts'
import { formatSeconds } from '../../wording/figures.ts'
import { hang, padEnd, piece, renderLines, type Tone, type ViewOptions } from './text-line.ts'

const marks: Readonly<Record<StepReport['state'], { readonly mark: string; readonly tone: Tone }>> = {
  passed: { mark: '✓', tone: 'good' },
  failed: { mark: '✗', tone: 'bad' },
  skipped: { mark: '–', tone: 'dim' },
}
const titleWidth = 40
const indent = 4

export const renderStep = (step: StepReport, { width, color }: ViewOptions): readonly string[] => {
  const { mark, tone } = marks[step.state]
  const took = step.state === 'skipped' ? '' : formatSeconds(step.milliseconds)
  const head = [
    piece(padEnd(mark, 2), tone),
    piece(padEnd(step.title, titleWidth), 'strong'),
    piece(took, 'dim'),
  ]
  const seen = hang([piece(' '.repeat(indent))], step.seen, width, {
    tone: step.state === 'failed' ? 'bad' : 'plain',
  })
  return renderLines([head, ...seen], { color })
}
