// The phase of one service, its reasons, and the waiters for a change.
import type { Phase, ServiceState } from '../../contract/snapshot.ts'

export type PhaseDetail = Pick<ServiceState, 'reason' | 'waitingFor' | 'foreign'>

const noDetail: PhaseDetail = { reason: null, waitingFor: null, foreign: null }

export const createPhaseRecord = (now: () => number, onChange: () => void) => {
  let phase: Phase = 'stopped'
  let since = now()
  let detail = noDetail
  let waiters: (() => boolean)[] = []

  /** Call when something else that conditions depend on has changed. */
  const recheck = () => {
    waiters = waiters.filter((isSettled) => !isSettled())
  }

  return {
    phase: () => phase,
    /** ms since the epoch at which the phase was entered. */
    since: () => since,
    detail: () => detail,
    recheck,
    /** Details that are not given become null. */
    enter: (next: Phase, nextDetail: Partial<PhaseDetail> = {}) => {
      if (next !== phase) since = now()
      phase = next
      detail = { ...noDetail, ...nextDetail }
      recheck()
      onChange()
    },
    /** Settles once `condition` holds after a later enter() or recheck(); does not evaluate it right away. */
    waitUntil: (condition: () => boolean) =>
      new Promise<void>((resolve) => {
        waiters.push(() => {
          if (!condition()) return false
          resolve()
          return true
        })
      }),
  }
}
