// When `up`, `restart` and `down` are over: pure judgements of a snapshot.
import { type ServiceId, type Snapshot, serviceIds, serviceNames } from '../contract.ts'

export type UpJudgement =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly reasons: readonly string[] }

/** Whether what was asked for runs. With `only`, that service; else all three and the end-to-end message. */
export const judgeUp = (snapshot: Snapshot, only: ServiceId | null): UpJudgement => {
  const asked = only === null ? serviceIds : [only]
  const states = asked.map((id) => ({ id, state: snapshot.services[id] }))
  if (states.some(({ state }) => state.phase === 'starting' || state.phase === 'stopping'))
    return { kind: 'waiting' }
  const reasons = states
    .filter(({ state }) => state.phase === 'failed')
    .map(({ id, state }) => `${serviceNames[id]}: ${state.reason ?? 'failed'}`)
  if (reasons.length > 0) {
    // A half start is rolled back: what stops because of it is part of the failure, so its end is waited for.
    return serviceIds.some((id) => snapshot.services[id].phase === 'stopping')
      ? { kind: 'waiting' }
      : { kind: 'failed', reasons }
  }
  const stopped = states.filter(({ state }) => state.phase === 'stopped')
  if (stopped.length > 0) {
    return {
      kind: 'failed',
      reasons: [`${stopped.map(({ id }) => serviceNames[id]).join(', ')}: stopped by another command`],
    }
  }
  if (only !== null) return { kind: 'ready' }
  if (snapshot.proof !== null) return { kind: 'ready' }
  return snapshot.proofFailure === null
    ? { kind: 'waiting' }
    : { kind: 'failed', reasons: [`no Claude request was answered: ${snapshot.proofFailure}`] }
}

/** The same after a restart, which lets running requests finish first: what served `before` is not its outcome yet. */
export const judgeRestart = (snapshot: Snapshot, only: ServiceId | null, before: Snapshot): UpJudgement => {
  const isStillThere = (['llamaServer', 'proxy'] as const)
    .filter((id) => only === null || only === id)
    .some((id) => {
      const { phase, pid } = snapshot.services[id]
      return phase !== 'failed' && pid !== null && pid === before.services[id].pid
    })
  return isStillThere ? { kind: 'waiting' } : judgeUp(snapshot, only)
}

export type DownJudgement =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed'; readonly reasons: readonly string[] }

/** Whether nothing of what was to stop is left. The RAM disk has no process and stays. */
export const judgeDown = (snapshot: Snapshot, only: ServiceId | null): DownJudgement => {
  const asked = (['llamaServer', 'proxy'] as const).filter((id) => only === null || only === id)
  const left = asked.filter((id) => snapshot.services[id].phase !== 'stopped')
  if (left.length === 0) return { kind: 'stopped' }
  const failed = left.filter((id) => snapshot.services[id].phase === 'failed')
  return failed.length < left.length
    ? { kind: 'waiting' }
    : {
        kind: 'failed',
        reasons: failed.map((id) => `${serviceNames[id]}: ${snapshot.services[id].reason ?? 'failed'}`),
      }
}
