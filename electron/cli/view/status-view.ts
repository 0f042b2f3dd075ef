// The status screen: a snapshot as lines of text. No I/O.
import type { Notice } from '../../contract/notice.ts'
import { presentServices } from '../../contract/services.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import { formatDuration, formatMilliseconds, plural } from '../../wording/figures.ts'
import { judgeSnapshot, type Mark, whyUnanswered } from '../../wording/state-words.ts'
import { renderForge, renderMemory, renderNodes, renderThroughput } from './machine-rows.ts'
import { renderServices } from './service-rows.ts'
import { renderSlots } from './slot-rows.ts'
import {
  finishLines,
  hang,
  justify,
  piece,
  printable,
  readLineWidth,
  readWidth,
  type TextLine,
  type Tone,
  truncate,
  type ViewOptions,
  wrap,
} from './text-line.ts'

interface StatusOptions extends ViewOptions {
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** A core publishes about once a second to its watchers; after this long it has stopped. */
const staleMs = 10_000
const widest = 120
const blank: TextLine = []

const tones: Readonly<Record<Mark, Tone>> = {
  ready: 'good',
  full: 'warn',
  busy: 'busy',
  stopped: 'strong',
  warning: 'warn',
  failed: 'bad',
  unknown: 'dim',
}

const renderHeadline = (snapshot: Snapshot, width: number, now: number): readonly TextLine[] => {
  const { word, mark, cause, sentence: consequence } = judgeSnapshot(snapshot)
  const tone = tones[mark]
  const sentence = printable(cause ?? consequence)
  const ageMs = now - snapshot.takenAt
  const note =
    ageMs > staleMs
      ? piece(`${formatDuration(ageMs / 1000)} old`, 'warn')
      : piece(`profile ${snapshot.profile}`, 'dim')
  const sign = snapshot.overall === 'stopped' ? '○ ' : '● '
  const start = [piece(sign, tone), piece(word, tone), piece('   ')]
  const startWidth = readLineWidth(start)
  // The sentence may push out the profile, but not the note that the numbers are old.
  const fits = startWidth + readWidth(sentence) + readWidth(note.text) + 2 <= width
  const right = fits || note.tone === 'warn' ? [note] : []
  const room = width - startWidth - (right.length === 0 ? 0 : readWidth(note.text) + 2)
  // The service's row shows the whole reason, so one line is enough here.
  const [first = '', ...rest] = namesService(snapshot) ? [truncate(sentence, room)] : wrap(sentence, room, 3)
  return [
    justify([...start, piece(first, 'strong')], right, width),
    ...rest.map((line) => [piece(' '.repeat(startWidth)), piece(line, 'strong')]),
  ]
}

/** Whether the headline is about an unhealthy service. */
const namesService = (snapshot: Snapshot): boolean =>
  whyUnanswered(snapshot) === null &&
  presentServices(snapshot).some(({ state }) => state.phase === 'failed' || state.phase === 'degraded')

const describeProof = (snapshot: Snapshot, width: number, now: number): string => {
  const { proof, overall } = snapshot
  if (proof === null) return overall === 'starting' || overall === 'degraded' ? 'not proved yet' : ''
  const age = formatDuration((now - (proof.checkedAt ?? proof.provedAt)) / 1000)
  const spent = `${plural(proof.outputTokens, 'token')} in ${formatMilliseconds(proof.milliseconds)}`
  return width >= 100 ? `proved: ${spent}, checked ${age} ago` : `checked ${age} ago`
}

const renderFooter = (snapshot: Snapshot, width: number, now: number): TextLine => {
  const { endpoint, phase } = snapshot.services.proxy
  const address = piece(endpoint ?? 'endpoint not known', endpoint === null ? 'dim' : 'strong')
  const hint = phase === 'failed' ? 'not answering now' : '`nexus clients` prints the settings'
  const left =
    phase === 'stopped'
      ? [piece('`nexus up` starts it   ', 'dim'), address]
      : [address, piece(width >= 72 ? `   ${hint}` : '', 'dim')]
  return justify(left, [piece(describeProof(snapshot, width, now), 'dim')], width)
}

/** Whether there may be live numbers to show. */
const isLive = (snapshot: Snapshot): boolean =>
  snapshot.slots !== null || snapshot.overall === 'ready' || snapshot.overall === 'degraded'

const renderOwner = ({ owner: { user } }: Snapshot, width: number): readonly TextLine[] =>
  user === undefined
    ? []
    : hang([], `${user}'s stack: as a guest you may start, stop and restart it`, width, { tone: 'dim' })

const renderStatusLines = (snapshot: Snapshot, width: number, now: number): readonly TextLine[] => [
  ...renderOwner(snapshot, width),
  ...renderHeadline(snapshot, width, now),
  ...renderNotices(snapshot, width),
  blank,
  ...(isLive(snapshot)
    ? [...renderSlots(snapshot, width), blank, renderThroughput(snapshot.throughput, width), blank]
    : []),
  ...renderMemory(snapshot.memory, width),
  ...renderForge(snapshot.ramDisk, width),
  ...renderNodes(snapshot.nodes),
  blank,
  ...renderServices(snapshot, width),
  blank,
  renderFooter(snapshot, width, now),
]

export const renderStatus = (snapshot: Snapshot, { width, color, now }: StatusOptions): readonly string[] => {
  const columns = Math.max(20, Math.min(widest, width))
  return finishLines(renderStatusLines(snapshot, columns, now), { width: columns, color })
}

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
