// Who is told of new snapshots, and how often: some every second, some only when it matters.
import type { Snapshot } from '../../contract/snapshot.ts'
import type { Watchable, WatchOptions } from './watch.ts'

export interface SnapshotFeedOptions {
  readonly snapshot: () => Snapshot
  /** Reads what was not read a moment ago. */
  readonly refresh: () => Promise<void>
  /** Whether anybody wants 1 Hz from now on. */
  readonly onWatched: (watched: boolean) => void
}

export interface SnapshotFeed {
  readonly watch: Watchable['watch']
  /** `change`: a phase or a notice is another one; `reading`: new numbers. Several in one turn are told once. */
  publish(what: 'change' | 'reading'): void
  isWatched(): boolean
}

interface Watcher {
  readonly tell: (snapshot: Snapshot) => void
  watched: boolean
  toldAt: number
}

/** Who does not watch closely is told of mere numbers this often, whoever else looks. */
const calmMs = 4_500

export const createSnapshotFeed = (options: SnapshotFeedOptions): SnapshotFeed => {
  const watchers = new Set<Watcher>()
  let scheduled: 'change' | 'reading' | null = null

  const tellCadence = () => options.onWatched([...watchers].some(({ watched }) => watched))

  const tell = (watcher: Watcher, snapshot: Snapshot) => {
    watcher.toldAt = snapshot.takenAt
    watcher.tell(snapshot)
  }

  const tellAll = () => {
    const what = scheduled
    scheduled = null
    const snapshot = options.snapshot()
    for (const watcher of watchers) {
      const sinceToldMs = snapshot.takenAt - watcher.toldAt
      // Less than nothing: the clock was set back.
      const isDue = watcher.watched || what === 'change' || sinceToldMs >= calmMs || sinceToldMs < 0
      if (isDue) tell(watcher, snapshot)
    }
  }

  return {
    isWatched: () => watchers.size > 0,
    publish: (what) => {
      if (watchers.size === 0) return
      if (scheduled === null) setImmediate(tellAll)
      if (scheduled !== 'change') scheduled = what
    },
    watch: (listener, { watched }: WatchOptions = { watched: true }) => {
      const watcher: Watcher = { tell: listener, watched, toldAt: 0 }
      watchers.add(watcher)
      tellCadence()
      const begun = options.refresh().then(() => {
        if (watchers.has(watcher)) tell(watcher, options.snapshot())
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
  }
}
