// Judges by snapshots when `up`, `restart` and `down` are done. Pure.

import {
  type CommandedId,
  commandedIds,
  type SupervisedId,
  serviceNames,
  supervisedIds,
} from '../contract/service-ids.ts'
import { readService } from '../contract/services.ts'
import type { Order, Snapshot } from '../contract/snapshot.ts'

export type UpJudgement =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly reasons: readonly string[] }

/** Traefik has its rules after about 100 ms (measured); clients can use the Router's own address without it. */
const gatewayWaitMs = 15_000

/** Doesn't wait for a gateway that keeps crashing, or whose rules don't come. */
const awaitsGateway = ({ services: { gateway }, takenAt }: Snapshot): boolean =>
  gateway?.phase === 'starting' && gateway.restarts === 0 && takenAt - gateway.since < gatewayWaitMs

/** The processes that a command concerns. The gateway goes with the Router. */
export const processesOf = (only: CommandedId | null): readonly SupervisedId[] =>
  supervisedIds.filter((id) => only === null || only === (id === 'gateway' ? 'proxy' : id))

/**
 * Whether the requested services run: `only`, else all three and the end-to-end message. Waits a while for a gateway,
 * whose failure fails nothing else.
 */
export const judgeUp = (snapshot: Snapshot, only: CommandedId | null): UpJudgement => {
  const asked = only === null ? commandedIds : [only]
  const states = asked.map((id) => ({ id, state: snapshot.services[id] }))
  if (states.some(({ state }) => state.phase === 'starting' || state.phase === 'stopping'))
    return { kind: 'waiting' }
  const reasons = states
    .filter(({ state }) => state.phase === 'failed')
    .map(({ id, state }) => `${serviceNames[id]}: ${state.reason ?? 'failed'}`)
  if (reasons.length > 0) {
    // A half-done start is rolled back: wait until the services it stops are gone.
    return commandedIds.some((id) => snapshot.services[id].phase === 'stopping')
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
  // The service is ready once mounted; the mount table, which we print, is read a moment later.
  if (asked.includes('ramDisk') && snapshot.ramDisk?.mounted === false) return { kind: 'waiting' }
  if (processesOf(only).includes('gateway') && awaitsGateway(snapshot)) return { kind: 'waiting' }
  if (only !== null) return { kind: 'ready' }
  if (snapshot.proof !== null) return { kind: 'ready' }
  return snapshot.proofFailure === null
    ? { kind: 'waiting' }
    : { kind: 'failed', reasons: [`no Claude request was answered: ${snapshot.proofFailure}`] }
}

/** Names of orders for the message that a later one overtook this one. */
const orderNames = { start: 'nexus up', stop: 'nexus down', restart: 'nexus restart' } as const

/**
 * Why this order won't be completed, in one sentence; null: no later order undoes it.
 * @param overtaking the orders that would undo it
 */
const describeOvertaken = (
  { lastOrders }: Snapshot,
  only: CommandedId | null,
  overtaking: readonly Order[],
): string | null => {
  if (lastOrders === undefined) return null
  for (const id of ['llamaServer', 'proxy'] as const) {
    const order = lastOrders[id]
    if (order !== null && overtaking.includes(order) && (only === null || only === id))
      return `overtaken by another command: a later ${orderNames[order]} named the ${serviceNames[id]}`
  }
  return null
}

/** The same after a restart, which lets running requests finish first: the processes in `before` don't count yet. */
export const judgeRestart = (snapshot: Snapshot, only: CommandedId | null, before: Snapshot): UpJudgement => {
  // The gateway stays while the Router alone is started again.
  const replaced = processesOf(only).filter((id) => only === null || id === only)
  const isStillThere = replaced.some((id) => {
    const state = readService(snapshot, id)
    if (state === null || state.phase === 'failed' || state.pid === null) return false
    return state.pid === readService(before, id)?.pid
  })
  if (!isStillThere) return judgeUp(snapshot, only)
  // A start keeps what still serves, so nothing would be replaced.
  const overtaken = describeOvertaken(snapshot, only, ['start', 'stop'])
  return overtaken === null ? { kind: 'waiting' } : { kind: 'failed', reasons: [overtaken] }
}

export type DownJudgement =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed'; readonly reasons: readonly string[] }

/** Whether everything that should stop has stopped. The RAM disk has no process and stays. */
export const judgeDown = (snapshot: Snapshot, only: CommandedId | null): DownJudgement => {
  const left = processesOf(only).flatMap((id) => {
    const state = readService(snapshot, id)
    return state === null || state.phase === 'stopped' ? [] : [{ id, ...state }]
  })
  // Even if everything has stopped for a moment: a restart starts it again.
  const overtaken = describeOvertaken(snapshot, only, ['start', 'restart'])
  if (overtaken !== null) return { kind: 'failed', reasons: [overtaken] }
  if (left.length === 0) return { kind: 'stopped' }
  const failed = left.filter(({ phase }) => phase === 'failed')
  return failed.length < left.length
    ? { kind: 'waiting' }
    : {
        kind: 'failed',
        reasons: failed.map(({ id, reason }) => `${serviceNames[id]}: ${reason ?? 'failed'}`),
      }
}
