// The window's feeds, pushed only while it is visible: a hidden window must cost nothing.
import { z } from 'zod'
import type { AppState } from '../contract/app.ts'
import type { HistorySample } from '../contract/history.ts'
import type { View } from '../contract/notice.ts'
import { type LogId, LogIdSchema } from '../contract/service-ids.ts'

/** What the window can follow. */
export const TopicSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('state') }),
  z.strictObject({ kind: z.literal('history') }),
  z.strictObject({ kind: z.literal('log'), log: LogIdSchema }),
  z.strictObject({ kind: z.literal('view') }),
])
export type Topic = z.infer<typeof TopicSchema>

export type AppStateStore = ReturnType<typeof createAppState>

/** The state that the window mirrors. Changing a part notifies all followers. */
export const createAppState = (initial: AppState) => {
  let state = initial
  const listeners = new Set<(state: AppState) => void>()
  return {
    get: () => state,
    update: (part: Partial<AppState>) => {
      state = { ...state, ...part }
      for (const listener of listeners) listener(state)
    },
    /** Not called with the current state; returns the function that ends it. */
    subscribe: (listener: (state: AppState) => void) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

export interface FeedSources {
  readonly state: AppStateStore
  /** The whole history first, then each new sample. */
  followHistory(listener: (samples: readonly HistorySample[]) => void): () => void
  followLog(log: LogId, listener: (lines: readonly string[]) => void): () => void
}

export type Feeds = ReturnType<typeof createFeeds>

const nothingToDo = { resume: () => {}, pause: () => {}, close: () => {} }

interface Feed {
  readonly resume: () => void
  readonly pause: () => void
  readonly close: () => void
  readonly showView?: (view: View) => void
}

/** Follows anew each time the window is shown. */
const whileShown = (follow: () => () => void): Feed => {
  let stop: (() => void) | null = null
  const pause = () => {
    stop?.()
    stop = null
  }
  return {
    resume: () => {
      stop ??= follow()
    },
    pause,
    close: pause,
  }
}

/** Lines of a followed log to keep while the window is hidden; more would only scroll past. */
const keptLines = 2_000

export const createFeeds = (sources: FeedSources, send: (id: number, value: unknown) => void) => {
  const feeds = new Map<number, Feed>()
  let visible = false
  let pendingView: View | null = null

  const open = (id: number, topic: Topic): Feed => {
    switch (topic.kind) {
      case 'state': {
        const tell = (state: AppState) => send(id, state)
        // Also to a hidden window, so that it is painted before it is first shown.
        tell(sources.state.get())
        return whileShown(() => {
          tell(sources.state.get())
          return sources.state.subscribe(tell)
        })
      }
      case 'history':
        // Sent whole again when the window is shown again, so nothing is missed.
        return whileShown(() => sources.followHistory((samples) => send(id, samples)))
      case 'log':
        return openLog(topic.log, (lines) => send(id, lines))
      case 'view':
        return { ...nothingToDo, showView: (view) => send(id, view) }
    }
  }

  const openLog = (log: LogId, tell: (lines: readonly string[]) => void): Feed => {
    let kept: string[] | null = visible ? null : []
    const stop = sources.followLog(log, (lines) => {
      if (kept === null) tell(lines)
      else kept = [...kept, ...lines].slice(-keptLines)
    })
    return {
      resume: () => {
        if (kept !== null && kept.length > 0) tell(kept)
        kept = null
      },
      pause: () => {
        kept ??= []
      },
      close: stop,
    }
  }

  return {
    /** `id` is the window's own number for the topic. */
    follow: (id: number, topic: Topic) => {
      if (feeds.has(id)) return
      const feed = open(id, topic)
      feeds.set(id, feed)
      if (visible) feed.resume()
      if (pendingView !== null && feed.showView !== undefined) {
        feed.showView(pendingView)
        pendingView = null
      }
    },
    unfollow: (id: number) => {
      feeds.get(id)?.close()
      feeds.delete(id)
    },
    /** The page is gone or reloads. */
    unfollowAll: () => {
      for (const feed of feeds.values()) feed.close()
      feeds.clear()
    },
    setVisible: (next: boolean) => {
      visible = next
      for (const feed of feeds.values()) next ? feed.resume() : feed.pause()
    },
    /** Asks the window to show a view; kept until it listens. */
    showView: (view: View) => {
      const listeners = [...feeds.values()].filter((feed) => feed.showView !== undefined)
      if (listeners.length === 0) pendingView = view
      for (const feed of listeners) feed.showView?.(view)
    },
  }
}
