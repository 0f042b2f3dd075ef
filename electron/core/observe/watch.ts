// The interface for watching a core: its snapshots and history as they arrive.
import type { HistorySample } from '../../contract/history.ts'
import type { Snapshot } from '../../contract/snapshot.ts'

export interface WatchOptions {
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
