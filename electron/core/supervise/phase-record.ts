// The phase of one service, its reasons, and the waiters for a change.
import type { Phase, ServiceState } from '../../contract/snapshot.ts'

export type PhaseDetail = Pick<ServiceState, 'reason' | 'waitingFor' | 'foreign'>

export interface PhaseRecord {
  readonly phase: () => Phase
  /** ms since the epoch at which the phase was entered. */
  readonly since: () => number
  readonly detail: () => PhaseDetail
  /** Details that are not given become null. */
  enter(phase: Phase, detail?: Partial<PhaseDetail>): void
  /** Settles once `condition` holds after a later enter() or recheck(); does not evaluate it right away. */
  waitUntil(condition: () => boolean): Promise<void>
  /** Call when something else that conditions depend on has changed. */
  recheck(): void
}

const noDetail: PhaseDetail = { reason: null, waitingFor: null, foreign: null }

export const createPhaseRecord = (now: () => number, onChange: () => void): PhaseRecord => {
  let phase: Phase = 'stopped'
  let since = now()
  let detail = noDetail
  let waiters: (() => boolean)[] = []

  const recheck = () => {
    waiters = waiters.filter((isSettled) => !isSettled())
  }

  return {
    phase: () => phase,
    since: () => since,
    detail: () => detail,
    recheck,
    enter: (next, nextDetail = {}) => {
      if (next !== phase) since = now()
      phase = next
      detail = { ...noDetail, ...nextDetail }
      recheck()
      onChange()
    },
    waitUntil: (condition) =>
      new Promise((resolve) => {
        waiters.push(() => {
          if (!condition()) return false
          resolve()
          return true
        })
      }),
  }
}
