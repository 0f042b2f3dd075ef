// The phase of one service, its reasons, and the waiters for a change.
import { isServing } from '../../contract/services.ts'
import type { Phase, ServiceState } from '../../contract/snapshot.ts'

export type PhaseDetail = Pick<ServiceState, 'reason' | 'waitingFor' | 'foreign'>

const noDetail: PhaseDetail = { reason: null, waitingFor: null, foreign: null }

export type PhaseRecord = ReturnType<typeof createPhaseRecord>

export const createPhaseRecord = (now: () => number, onChange: () => void) => {
  let phase: Phase = 'stopped'
  let since = now()
  let detail = noDetail
  let waiters: (() => boolean)[] = []
  let closed = false

  /** Call when something else that conditions depend on has changed. */
  const recheck = () => {
    waiters = waiters.filter((isSettled) => !isSettled())
  }

  return {
    phase: () => phase,
    isServing: () => isServing({ phase }),
    /** ms since the epoch at which the phase was entered. */
    since: () => since,
    detail: () => detail,
    recheck,
    /** Details that are not given become null. */
    enter: (next: Phase, nextDetail: Partial<PhaseDetail> = {}) => {
      if (closed) return
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
    /** Keeps the phase as it is from now on. */
    close: () => {
      closed = true
    },
  }
}
