// How a core is watched: its snapshots and its history, as they come.
import type { HistorySample } from '../../contract/history.ts'
import type { Snapshot } from '../../contract/snapshot.ts'

export interface WatchOptions {
  /** False: told at each change of a phase or a notice and every few seconds, which lets the core rest. */
  readonly watched: boolean
}

export interface Watch {
  /** Settles once the present snapshot was told; rejects when the core cannot be watched. */
  readonly begun: Promise<void>
  setWatched(watched: boolean): void
  stop(): void
}

export interface Watchable {
  /** Calls `listener` with the present snapshot, and then at about 1 Hz and at every change of a phase. */
  watch(listener: (snapshot: Snapshot) => void, options?: WatchOptions): Watch
  /** Calls `listener` with the whole history first, then with each new sample as an array of one; the undo ends that. */
  watchHistory(listener: (samples: readonly HistorySample[]) => void): () => void
}
