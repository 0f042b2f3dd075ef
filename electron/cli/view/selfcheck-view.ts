// The selfcheck as text: one line per probe, grouped, and a summary at the end. Pure.
import type { Probe, ProbeVerdict } from '../../core/selfcheck/probe.ts'
import type { ProbeReport, SelfcheckReport } from '../../core/selfcheck/report.ts'
import { plural } from '../../wording/figures.ts'
import {
  hang,
  padEnd,
  piece,
  renderLine,
  renderLines,
  type TextLine,
  type Tone,
  truncate,
  type ViewOptions,
} from './text-line.ts'

const marks: Readonly<Record<ProbeVerdict, { readonly word: string; readonly tone: Tone }>> = {
  pass: { word: 'pass', tone: 'good' },
  fail: { word: 'FAIL', tone: 'bad' },
  'not-applicable': { word: 'n/a', tone: 'dim' },
}
const indent = 8
const idWidth = 22
const column = indent + idWidth

export const renderGroup = (group: Probe['group'], { color }: ViewOptions): string =>
  renderLine([piece(group, 'strong')], color)

/** A running probe; its result overwrites it. */
export const renderBegun = ({ id, assumed }: Probe, { width, color }: ViewOptions): string =>
  renderLine(
    [
      piece(`  ${padEnd('...', indent - 2)}${padEnd(id, idWidth)}`),
      piece(truncate(assumed, Math.max(20, width - column - 1)), 'dim'),
    ],
    color,
  )

/** A failed probe shows what was found and what was assumed, in full. */
export const renderProbe = (
  { id, verdict, found, assumed }: Pick<ProbeReport, 'id' | 'verdict' | 'found' | 'assumed'>,
  { width, color }: ViewOptions,
): readonly string[] => {
  const { word, tone } = marks[verdict]
  const head = [piece(`  ${padEnd(word, indent - 2)}`, tone), piece(padEnd(id, idWidth))]
  const lines =
    verdict === 'fail'
      ? [
          ...hang(head, found, width, { tone }),
          ...hang([piece(' '.repeat(column))], `assumed: ${assumed}`, width, { tone: 'dim' }),
        ]
      : [[...head, piece(truncate(found, Math.max(20, width - column)), 'dim')]]
  return renderLines(lines, { color })
}

export const renderEnd = (
  report: Omit<SelfcheckReport, 'version' | 'startedAt' | 'interrupted' | 'probes'>,
  { width, color }: ViewOptions,
): readonly string[] => {
  const { pass, fail, notApplicable } = report.summary
  const { name, version, machine } = report.system
  const summary = `${pass} passed, ${plural(fail, 'failure')}, ${notApplicable} not applicable, in ${Math.round(report.milliseconds / 1000)} s on ${name} ${version ?? ''} (${machine}), started from ${report.startedFrom.kind}`
  const byHand = report.byHand.flatMap((text, index) =>
    // Never cut: it contains commands.
    hang([piece(`${String(index + 1).padStart(2)}. `, 'dim')], text, width, { mostLines: text.length }),
  )
  const idWidth = Math.max(0, ...report.askedOnMac.map(({ id }) => id.length))
  const askedOnMac = report.askedOnMac.map(
    ({ id, assumed }): TextLine => [
      piece(`  ${id.padEnd(idWidth)}  `),
      piece(truncate(assumed, Math.max(20, width - idWidth - 4)), 'dim'),
    ],
  )
  const lines: readonly TextLine[] = [
    ...(askedOnMac.length === 0 ? [] : [[], [piece('Asked only on a Mac', 'strong')], ...askedOnMac]),
    [],
    [piece('By hand', 'strong')],
    ...byHand,
    [],
    [piece(summary, fail > 0 ? 'bad' : 'good')],
    ...report.left.map((what): TextLine => [piece(`Left behind: ${what}`, 'bad')]),
    ...(report.folder === null ? [] : [[piece(`The raw output is in ${report.folder}`)]]),
    ...hang([], report.next, width),
  ]
  return renderLines(lines, { color })
}
