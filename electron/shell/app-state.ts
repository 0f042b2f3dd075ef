// What the window mirrors, in one place: whoever changes a part of it tells everyone who follows.
import type { AppState } from '../contract/app.ts'

export interface AppStateStore {
  get(): AppState
  update(part: Partial<AppState>): void
  /** Not called with the present state; the returned function ends it. */
  subscribe(listener: (state: AppState) => void): () => void
}

export const createAppState = (initial: AppState): AppStateStore => {
  let state = initial
  const listeners = new Set<(state: AppState) => void>()
  return {
    get: () => state,
    update: (part) => {
      state = { ...state, ...part }
      for (const listener of listeners) listener(state)
    },
    subscribe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
