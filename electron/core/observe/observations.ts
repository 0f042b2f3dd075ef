// What is remembered from one snapshot to the next: the history, the events, and what holds since when.

import type { Config } from '../../contract/config.ts'
import type { HistorySample } from '../../contract/history.ts'
import type { Notice, StackEvent } from '../../contract/notice.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import { countWaiting } from '../../wording/waiting.ts'
import { appendEvents, describeChanges, type EventfulSnapshot } from './events.ts'
import { createHistory, type HistoryReading } from './history.ts'
import { foldNotices, type NoticeState, noNotices } from './notices.ts'

export type PlainSnapshot = Omit<Snapshot, 'events' | 'notices'>

export interface Observations {
  /**
   * Completes a snapshot with what it and those before it tell. To be called with each one, in their order.
   * @param slotsReadAt when its slots were read; null: they are not known
   */
  observe(now: PlainSnapshot, slotsReadAt: number | null): Snapshot
  /** Something that no snapshot shows; it is in the next one. */
  note(event: StackEvent): void
  /** Adds to the history what was read. @param isNew whether the rates are others than at the last call */
  addToHistory(now: PlainSnapshot, isNew: boolean): void
  /** Calls `listener` with the whole history, then with each new sample. */
  watchHistory(listener: (samples: readonly HistorySample[]) => void): () => void
}

export const createObservations = (readSettings: () => Config['notifications']): Observations => {
  const history = createHistory()
  const historians = new Set<{ readonly tell: (samples: readonly HistorySample[]) => void }>()
  let state: NoticeState = noNotices
  let before: EventfulSnapshot | null = null
  let events: readonly StackEvent[] = []

  return {
    observe: (now, slotsReadAt) => {
      const folded = foldNotices(state, now, slotsReadAt, readSettings())
      state = folded.state
      const notices: Notice[] = [...folded.notices]
      const after: EventfulSnapshot = { ...now, notices }
      events = appendEvents(events, describeChanges(before, after))
      before = after
      return { ...now, notices, events: [...events] }
    },
    note: (event) => {
      events = appendEvents(events, [event])
    },
    addToHistory: (now, isNew) => {
      const ended = history.add(readForHistory(now, isNew), now.takenAt)
      if (ended.length > 0) for (const { tell } of historians) tell(ended)
    },
    watchHistory: (tell) => {
      const historian = { tell }
      historians.add(historian)
      tell(history.samples())
      return () => void historians.delete(historian)
    },
  }
}

/** The same rates twice would count twice. */
const readForHistory = (
  { slots, requests, queue, throughput }: PlainSnapshot,
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
