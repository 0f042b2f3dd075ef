// App states with invented numbers, for tests.
import type { AppState } from '../app.ts'
import type { Slot, Snapshot } from '../snapshot.ts'
import { sampleSlot, sampleSnapshot } from './sample-snapshot.ts'

export const slot = (id: number, phase: Slot['phase']): Slot => ({
  ...sampleSlot,
  id,
  phase,
  contextLimit: 4096,
})

/** `busy` of four slots. */
export const slots = (busy: number): Slot[] =>
  [0, 1, 2, 3].map((id) => slot(id, id < busy ? 'generating' : 'idle'))

/** The sample with `busy` of four slots at work, as llama-server alone tells it; `deferred` wait there. */
export const snapshotAt = (busy: number, deferred = 0): Snapshot => ({
  ...sampleSnapshot,
  overall: 'ready',
  requests: null,
  slots: slots(busy),
  queue: { processing: busy, deferred },
})

export const appState = (snapshot: Partial<Snapshot> | null, change: Partial<AppState> = {}): AppState => ({
  link: { kind: 'attached', pid: 4700, user: null },
  snapshot: snapshot === null ? null : { ...sampleSnapshot, ...snapshot },
  pinned: false,
  openAtLogin: 'off',
  notificationsRefused: null,
  version: '0.1.0',
  ...change,
})

/** The sample with one service in another state. */
export const withService = (
  id: keyof Snapshot['services'],
  change: Partial<Snapshot['services']['proxy']>,
): Pick<Snapshot, 'services'> => ({
  services: { ...sampleSnapshot.services, [id]: { ...sampleSnapshot.services[id], ...change } },
})
