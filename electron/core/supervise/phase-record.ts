// The phase of one service with its reasons, and those who wait for it to change.
import type { Phase, ServiceState } from '../../contract/snapshot.ts'

export type PhaseDetail = Pick<ServiceState, 'reason' | 'waitingFor' | 'foreign'>

export interface PhaseRecord {
  readonly phase: () => Phase
  /** ms since the epoch at which the phase was entered. */
  readonly since: () => number
  readonly detail: () => PhaseDetail
  /** What is not given of the detail is null from now on. */
  enter(phase: Phase, detail?: Partial<PhaseDetail>): void
  /** Settles as soon as `condition` holds after a later enter() or recheck(); it is not asked right away. */
  waitUntil(condition: () => boolean): Promise<void>
  /** Something else that waiters look at has changed. */
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
