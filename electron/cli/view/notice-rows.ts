// What holds now and a person should know, a line each: only what neither the headline nor a service's row says.
import type { Notice } from '../../contract/notice.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import { piece, type TextLine, truncate } from './text-line.ts'

/** Full slots are the headline; each service has its row with the reason; that it is ready needs no notice here. */
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
    // Too narrow for a sentence: the title says it.
    ...(room < 12 ? [] : [piece(`   ${truncate(body, room)}`)]),
  ]
}
