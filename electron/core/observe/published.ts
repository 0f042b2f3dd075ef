// The current snapshot: folded once when something arrives, kept, and sent to the watchers.
import type { Config } from '../../contract/config.ts'
import type { HistorySample } from '../../contract/history.ts'
import type { Notice, StackEvent } from '../../contract/notice.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import { countWaiting } from '../../wording/room.ts'
import type { HeldSlot } from '../router/router-feed.ts'
import { appendEvents, describeChanges } from './events.ts'
import { createHistory, type HistoryReading } from './history.ts'
import { foldNotices, type NoticeState, noNotices } from './notices.ts'
import type { Poller } from './poller.ts'
import { placeRequests, type SlotOwners } from './slot-owners.ts'
import { foldSnapshot, type Readings } from './snapshot.ts'

/** For watching a core: its snapshots and history as they arrive. */
interface WatchOptions {
  /** False: sends at each change of a phase or notice and every few seconds, which lets the core rest. */
  readonly watched: boolean
}

export interface Watch {
  /** Settles once the current snapshot was sent; rejects when the core cannot be watched. */
  readonly begun: Promise<void>
  setWatched(watched: boolean): void
  stop(): void
}

export interface Watchable {
  /** Calls `listener` with the current snapshot, then at about 1 Hz and at every phase change. */
  watch(listener: (snapshot: Snapshot) => void, options?: WatchOptions): Watch
  /** Calls `listener` with the whole history, then with each new sample as an array of one. Returns the undo. */
  watchHistory(listener: (samples: readonly HistorySample[]) => void): () => void
}

/** State that the core knows without reading anything. */
export interface Facts extends Omit<Readings, keyof ReturnType<Poller['latest']>> {
  /** The Router's record of what each slot holds; null when unknown. */
  readonly heldSlots: readonly HeldSlot[] | null
}

export interface PublishedOptions {
  readonly facts: (now: number, maxAgeMs: number) => Facts
  readonly poller: Pick<Poller, 'latest' | 'maxAgeMs' | 'setWatched'>
  /** Reads what was not read a moment ago and reports it as arrived. */
  readonly refresh: () => Promise<void>
  readonly settings: () => Config['notifications']
  readonly now?: () => number
}

interface Watcher {
  readonly tell: (snapshot: Snapshot) => void
  watched: boolean
  toldAt: number
}

/** How often a watcher that doesn't watch closely gets new numbers, regardless of the others. */
const calmMs = 4_500

export const createPublished = (options: PublishedOptions) => {
  const { poller, now = Date.now } = options
  const history = createHistory()
  const historians = new Set<{ readonly tell: (samples: readonly HistorySample[]) => void }>()
  const watchers = new Set<Watcher>()
  let current: Snapshot | null = null
  let owners: SlotOwners = new Map()
  let noticeState: NoticeState = noNotices
  let events: readonly StackEvent[] = []
  let ratesReadAt: number | null = null
  let scheduled: 'change' | 'reading' | null = null

  const fold = (): Snapshot => {
    const at = now()
    const maxAgeMs = poller.maxAgeMs()
    const { heldSlots, ...facts } = options.facts(at, maxAgeMs)
    const { slots, tasks, ...readings } = poller.latest()
    const engaged = { slots: slots?.value ?? null, tasks, requests: facts.requests, held: heldSlots }
    const placed = placeRequests(engaged, owners)
    owners = placed.owners
    const named = slots === null || placed.slots === null ? null : { ...slots, value: placed.slots }
    const bare = foldSnapshot(
      { ...facts, ...readings, slots: named, requests: placed.requests },
      at,
      maxAgeMs,
    )
    const noticed = foldNotices(noticeState, bare, slots?.takenAt ?? null, options.settings())
    noticeState = noticed.state
    const quiet: Snapshot = { ...bare, notices: [...noticed.notices] }
    events = appendEvents(events, describeChanges(current, quiet))
    return { ...quiet, events: [...events] }
  }

  const addToHistory = (snapshot: Snapshot): void => {
    const readAt = poller.latest().throughput?.takenAt ?? ratesReadAt
    // Compared by `!==`, not by later: the clock may have been set back.
    const ended = history.add(readForHistory(snapshot, readAt !== ratesReadAt), snapshot.takenAt)
    ratesReadAt = readAt
    if (ended.length > 0) for (const { tell } of historians) tell(ended)
  }

  const tell = (watcher: Watcher, snapshot: Snapshot) => {
    watcher.toldAt = snapshot.takenAt
    watcher.tell(snapshot)
  }

  /** The last fold. Throws before the first. */
  const snapshot = (): Snapshot => {
    if (current === null) throw new Error('no snapshot yet')
    return current
  }

  const tellAll = () => {
    const what = scheduled
    scheduled = null
    const present = snapshot()
    for (const watcher of watchers) {
      const sinceToldMs = present.takenAt - watcher.toldAt
      // Negative when the clock was set back.
      const isDue = watcher.watched || what === 'change' || sinceToldMs >= calmMs || sinceToldMs < 0
      if (isDue) tell(watcher, present)
    }
  }

  /** `change`: a service or order changed; `reading`: new numbers. Several in one turn are sent once. */
  const arrived = (what: 'change' | 'reading') => {
    const before = current
    current = fold()
    if (what === 'reading') addToHistory(current)
    if (watchers.size === 0) return
    if (scheduled === null) setImmediate(tellAll)
    const isChange = what === 'change' || nameNotices(before) !== nameNotices(current)
    if (isChange || scheduled === null) scheduled = isChange ? 'change' : 'reading'
  }

  const tellCadence = () => poller.setWatched([...watchers].some(({ watched }) => watched))

  return {
    snapshot,
    arrived,
    /** Adds an event that no snapshot shows by itself. */
    note: (event: StackEvent): void => {
      events = appendEvents(events, [event])
      arrived('change')
    },
    hasWatchers: () => watchers.size > 0,
    watch: (listener: (snapshot: Snapshot) => void, { watched }: WatchOptions = { watched: true }): Watch => {
      const watcher: Watcher = { tell: listener, watched, toldAt: 0 }
      watchers.add(watcher)
      tellCadence()
      const begun = options.refresh().then(() => {
        if (watchers.has(watcher)) tell(watcher, snapshot())
      })
      return {
        begun,
        setWatched: (next) => {
          watcher.watched = next
          tellCadence()
        },
        stop: () => {
          watchers.delete(watcher)
          tellCadence()
        },
      }
    },
    watchHistory: (tellSamples: (samples: readonly HistorySample[]) => void): (() => void) => {
      const historian = { tell: tellSamples }
      historians.add(historian)
      tellSamples(history.samples())
      return () => void historians.delete(historian)
    },
  }
}

const nameNotices = (snapshot: Snapshot | null): string =>
  snapshot?.notices.map(({ id, since, raise }: Notice) => `${id} ${since} ${raise}`).join() ?? ''

/** @param isNew false: same rates as at the last call, which must not count twice */
const readForHistory = (
  { slots, requests, queue, throughput }: Snapshot,
  isNew: boolean,
): HistoryReading | null =>
  slots === null && queue === null && throughput === null
    ? null
    : {
        generationTokensPerSecond: isNew ? (throughput?.generationTokensPerSecond ?? null) : null,
        promptTokensPerSecond: isNew ? (throughput?.promptTokensPerSecond ?? null) : null,
        busySlots: slots === null ? null : slots.filter(({ phase }) => phase !== 'idle').length,
        waiting: countWaiting({ requests, queue }),
      }
