// One step of `nexus try-claude` as text: a mark, its name, how long it took, and what was seen. No I/O.
import type { StepReport } from '../../core/try-claude/try-step.ts'
import { padEnd, piece, renderLine, type TextLine, type Tone, wrap } from './text-line.ts'

const marks: Readonly<Record<StepReport['state'], { readonly mark: string; readonly tone: Tone }>> = {
  passed: { mark: '✓', tone: 'good' },
  failed: { mark: '✗', tone: 'bad' },
  skipped: { mark: '–', tone: 'dim' },
}
const titleWidth = 40
const indent = 4

export const renderStep = (
  step: StepReport,
  { width, color }: { readonly width: number; readonly color: boolean },
): readonly string[] => {
  const { mark, tone } = marks[step.state]
  const took = step.state === 'skipped' ? '' : `${(step.milliseconds / 1000).toFixed(1)} s`
  const head: TextLine = [
    piece(`${padEnd(mark, 2)}`, tone),
    piece(padEnd(step.title, titleWidth), 'strong'),
    piece(took, 'dim'),
  ]
  const seen = wrap(step.seen, Math.max(30, width - indent), 8)
  const lines: readonly TextLine[] = seen.map((text) => [
    piece(' '.repeat(indent)),
    piece(text, step.state === 'failed' ? 'bad' : 'plain'),
  ])
  return [head, ...lines].map((line) => renderLine(line, color))
}
