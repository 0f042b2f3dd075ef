// Current notices in the status view, one line each, without those that the headline or a service's row already shows.
import type { Notice } from '../../contract/notice.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import { piece, type TextLine, truncate } from './text-line.ts'

/** Full slots are in the headline, each service's row has its reason, and readiness needs no notice here. */
const saidElsewhere = /^(slots-full|claude-unanswered|stack-ready|(failed|degraded|crashed|recovered)-)/

/** The screen has 24 lines. */
const shownAtMost = 3

export const renderNotices = ({ notices }: Pick<Snapshot, 'notices'>, width: number): readonly TextLine[] => {
  const shown = notices.filter(({ id, severity }) => severity !== 'info' && !saidElsewhere.test(id))
  return shown.slice(0, shownAtMost).map((notice) => renderNotice(notice, width))
}

const renderNotice = ({ severity, title, body }: Notice, width: number): TextLine => {
  const start = `! ${title}`
  const room = width - start.length - 3
  return [
    piece(start, severity === 'critical' ? 'bad' : 'warn'),
    // Too narrow for a sentence: the title is enough.
    ...(room < 12 ? [] : [piece(`   ${truncate(body, room)}`)]),
  ]
}
