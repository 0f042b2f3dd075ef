// What the window offers in each state: the reason of a refused start, and the main button. Pure.
import type { AppState } from '../electron/contract/app.ts'
import { hostOf } from '../electron/contract/guest-rights.ts'
import type { Snapshot } from '../electron/contract/snapshot.ts'
import { hasEnded, isToDo, needsSetUp } from '../electron/wording/state-words.ts'

/**
 * Whether everything is installed but the start was refused, with the reason in `setUp.failure`. Not when the plan already
 * shows the reason.
 */
export const wasStartRefused = (snapshot: Snapshot): boolean =>
  snapshot.setUp !== null &&
  snapshot.setUp.failure !== null &&
  !isToDo(snapshot.setUp) &&
  hasEnded(snapshot) &&
  snapshot.memoryMap?.verdict !== 'does-not-fit'

/** Whether an action of the main button ends servers: with agents at work it asks first. */
export const endsServers = (action: MainAction): boolean =>
  action === 'stop' || action === 'stop-now' || action === 'cancel-start'

/** The action of the main button. */
export type MainAction = 'start' | 'cancel-start' | 'stop' | 'stop-now' | 'set-up' | 'cancel-set-up' | 'none'

export const chooseMainAction = (app: AppState | null): MainAction => {
  const snapshot = app?.snapshot
  if (app === null || snapshot == null) return 'none'
  if (snapshot.setUp !== null && needsSetUp(snapshot)) {
    if (hostOf(app) !== null) return 'none'
    return snapshot.setUp.running === null ? 'set-up' : 'cancel-set-up'
  }
  switch (snapshot.overall) {
    case 'stopped':
    case 'failed':
      return 'start'
    case 'starting':
      return 'cancel-start'
    case 'ready':
    case 'degraded':
      return 'stop'
    case 'stopping':
      return 'stop-now'
  }
}
