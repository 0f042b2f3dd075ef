// When a notice appears, when it ends, and whether a system notification is due, except in quiet hours: a pure fold over snapshots.

import type { Config } from '../../contract/config.ts'
import type { Notice } from '../../contract/notice.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import { type NoticeRule, noticeRules, type Words } from './notice-conditions.ts'
import { followMoments, type Moments, momentRules, noMoments } from './notice-moments.ts'

/** The same notice is raised at most once in this time, however often it comes and goes. It is still shown. */
export const raiseGapMs = 10 * 60_000
/** A condition that can't be read for this long counts as over: an old fact must not be shown as current. */
export const unknownMs = 30_000

interface Track {
  /** When it began to hold, ignoring pauses that its rule allows; ms since the epoch. */
  readonly since: number
  readonly lastHeldAt: number
  /** When it was last read, whether it held or not. */
  readonly knownAt: number
  readonly looks: number
  /** When the last counted reading was taken. */
  readonly readAt: number
  readonly told: boolean
  /** Raised in this occurrence; stays true, even in quiet hours. */
  readonly raised: boolean
  readonly words: Words
}

export interface NoticeState {
  readonly before: Snapshot | null
  readonly moments: Moments
  readonly tracks: ReadonlyMap<string, Track>
  /** When each notice was last raised, over all its occurrences. */
  readonly raisedAt: ReadonlyMap<string, number>
}

export const noNotices: NoticeState = {
  before: null,
  moments: noMoments,
  tracks: new Map(),
  raisedAt: new Map(),
}

const severities = ['critical', 'warning', 'info'] as const satisfies readonly Notice['severity'][]

/**
 * The notices come most severe first.
 * @param slotsReadAt when the slots of `now` were read; null when unknown
 */
export const foldNotices = (
  state: NoticeState,
  now: Snapshot,
  slotsReadAt: number | null,
  settings: Config['notifications'],
) => {
  const moments = followMoments(state.moments, state.before, now)
  const mayRaise = settings.enabled && !isQuiet(settings.quietHours, minuteOfDay(now.takenAt))
  const tracks = new Map<string, Track>()
  const raisedAt = new Map([...state.raisedAt].filter(([, at]) => isWithin(raiseGapMs, at, now.takenAt)))
  const notices: Notice[] = []
  for (const rule of [...noticeRules, ...momentRules(moments)]) {
    const readAt = rule.looksAt === 'slots' ? (slotsReadAt ?? now.takenAt) : now.takenAt
    const track = followTrack(state.tracks.get(rule.id) ?? null, rule, now, readAt)
    if (track === null) continue
    const isDue = track.told && mayRaise && !track.raised && !raisedAt.has(rule.id)
    if (isDue) raisedAt.set(rule.id, now.takenAt)
    const raised = track.raised || isDue
    tracks.set(rule.id, { ...track, raised })
    if (track.told)
      notices.push({ id: rule.id, since: track.since, ...track.words, raise: raised && settings.enabled })
  }
  notices.sort((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity))
  const next: NoticeState = { before: now, moments, tracks, raisedAt }
  return { state: next, notices }
}

/** If the clock was set back, times now in the future count as old instead of lasting for ever. */
const isWithin = (ms: number, at: number, now: number): boolean => now >= at && now - at < ms

/** null: it does not hold, and there is nothing to remember. */
const followTrack = (track: Track | null, rule: NoticeRule, now: Snapshot, readAt: number): Track | null => {
  const { takenAt } = now
  const { holdMs = 0, looks: fewestLooks = 1, clearMs = 0 } = rule
  const reading = rule.read(now, track?.told ?? false)
  if (reading === 'unknown') {
    const isRecent = track !== null && isWithin(unknownMs, track.knownAt, takenAt)
    return isRecent ? track : null
  }
  if (reading === null) {
    const isPausing = track?.told === true && isWithin(clearMs, track.lastHeldAt, takenAt)
    return isPausing ? { ...track, knownAt: takenAt } : null
  }
  const held = track ?? { since: takenAt, looks: 0, told: false, raised: false }
  const since = Math.min(held.since, takenAt)
  // One reading in two snapshots counts as one look, as do two looks in one turn: nothing new was seen.
  const looks = track !== null && track.readAt === readAt ? track.looks : held.looks + 1
  const told = held.told || (takenAt - since >= holdMs && looks >= fewestLooks)
  return {
    since,
    lastHeldAt: takenAt,
    knownAt: takenAt,
    looks,
    readAt,
    told,
    raised: held.raised,
    words: reading,
  }
}

export type QuietHours = NonNullable<Config['notifications']['quietHours']>

const minutesOf = (time: string): number => {
  const [hours = '0', minutes = '0'] = time.split(':')
  return Number(hours) * 60 + Number(minutes)
}

/** In local time, including summer time: users set quiet hours by the clock on the wall. */
export const minuteOfDay = (at: number): number => {
  const date = new Date(at)
  return date.getHours() * 60 + date.getMinutes()
}

/**
 * `from` is inclusive, `to` exclusive. `from` after `to` spans midnight; equal means the whole day.
 * @param minute of the day, 0 to 1439
 */
export const isQuiet = (quiet: QuietHours | null, minute: number): boolean => {
  if (quiet === null) return false
  const from = minutesOf(quiet.from)
  const to = minutesOf(quiet.to)
  return from < to ? minute >= from && minute < to : minute >= from || minute < to
}
