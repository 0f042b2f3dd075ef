// The state of the stack in one word, and the sentence that a person acts on. Pure.
import type { AppState } from '../electron/contract/app.ts'
import { hostOf } from '../electron/contract/guest-rights.ts'
import {
  type CommandedId,
  commandedIds,
  type ServiceId,
  serviceNames,
} from '../electron/contract/service-ids.ts'
import { isServing, presentServices, readService } from '../electron/contract/services.ts'
import type { Snapshot } from '../electron/contract/snapshot.ts'
import { plural } from '../electron/wording/figures.ts'
import { measureRoom, measureWork, type Room, sayRoom } from '../electron/wording/room.ts'
import { startSentence } from './sentence.ts'
import { whyUnanswered } from './service-words.ts'

/** The icon of a state; each has its own shape, so that colour is never the only signal. */
export type Mark = 'ready' | 'full' | 'busy' | 'stopped' | 'warning' | 'failed' | 'unknown'

export interface Judgement {
  readonly word: string
  readonly sentence: string
  readonly mark: Mark
}

/** Whether one more agent would have to wait. */
const describeRoom = (room: Room | null): Judgement => {
  const { isFull, sentence } = sayRoom(room)
  const words = startSentence(sentence)
  return isFull
    ? { word: 'Full', sentence: words, mark: 'full' }
    : { word: 'Ready', sentence: words, mark: 'ready' }
}

const findService = (snapshot: Snapshot, phase: Snapshot['overall']): ServiceId | undefined =>
  presentServices(snapshot).find(({ state }) => state.phase === phase)?.id

const describeStarting = (snapshot: Snapshot): string => {
  // Servers before the disk: they take longer.
  const order: readonly CommandedId[] = ['llamaServer', 'proxy', 'ramDisk']
  const id = order.find((each) => snapshot.services[each].phase === 'starting')
  if (id === undefined) return 'Waiting for a first answer through the Router'
  const { waitingFor } = snapshot.services[id]
  return waitingFor === null ? `${serviceNames[id]} is starting` : `${serviceNames[id]}: ${waitingFor}`
}

const describeStopping = (snapshot: Snapshot): string => {
  const work = measureWork(snapshot)
  if (work.kind === 'agents' && work.busy > 0) return `Waiting for ${plural(work.busy, 'agent')} to finish`
  const id = findService(snapshot, 'stopping')
  const words = id === undefined ? null : readService(snapshot, id)?.waitingFor
  return id === undefined
    ? 'Ending the services'
    : `${serviceNames[id]}: ${words ?? 'waiting for its process to end'}`
}

const describeDegraded = (snapshot: Snapshot): string => {
  const { services } = snapshot
  const answers = services.llamaServer.phase === 'ready' && services.proxy.phase === 'ready'
  // The Router's row has the reason and a button.
  if (whyUnanswered(snapshot) !== null) return 'A Claude request was not answered'
  if (answers && services.ramDisk.phase !== 'ready') {
    const { sentence } = describeRoom(measureRoom(snapshot))
    const forge =
      services.ramDisk.phase === 'stopped' ? 'the RAM disk was not started' : 'no RAM disk for builds'
    return `${sentence}; ${forge}`
  }
  const id = findService(snapshot, 'degraded') ?? findService(snapshot, 'failed')
  if (id === undefined) {
    const off = commandedIds.find((each) => !isServing(services[each]))
    return off === undefined
      ? 'Requests may not be answered'
      : `${serviceNames[off]} is ${services[off].phase}`
  }
  if (id === 'gateway') {
    const { sentence } = describeRoom(measureRoom(snapshot))
    return `${sentence}; the name without the Router’s port does not work`
  }
  return id === 'ramDisk' ? 'The RAM disk has a problem' : `${serviceNames[id]} may not answer`
}

const describeStopped = (snapshot: Snapshot): string => {
  const foreign = commandedIds.find((id) => snapshot.services[id].foreign !== null)
  if (foreign !== undefined)
    return `${serviceNames[foreign]}’s port is held by a program that Nexus did not start`
  return 'No agent gets answers until you start the stack'
}

const judgeSnapshot = (snapshot: Snapshot): Judgement => {
  switch (snapshot.overall) {
    case 'ready':
      return describeRoom(measureRoom(snapshot))
    case 'stopped':
      return { word: 'Stopped', sentence: describeStopped(snapshot), mark: 'stopped' }
    case 'starting':
      return { word: 'Starting', sentence: describeStarting(snapshot), mark: 'busy' }
    case 'stopping':
      return { word: 'Stopping', sentence: describeStopping(snapshot), mark: 'busy' }
    case 'degraded':
      return { word: 'Degraded', sentence: describeDegraded(snapshot), mark: 'warning' }
    case 'failed': {
      const id = findService(snapshot, 'failed')
      const who = id === undefined ? 'The stack' : serviceNames[id]
      return { word: 'Failed', sentence: `${who} failed: no agent gets answers`, mark: 'failed' }
    }
  }
}

const hasEnded = ({ overall }: Snapshot): boolean => overall === 'stopped' || overall === 'failed'

const isToDo = ({ missing, running }: NonNullable<Snapshot['setUp']>): boolean =>
  missing.length > 0 || running !== null

/** Whether the guided page replaces the rest: something is missing, and nothing runs meanwhile. */
export const needsSetUp = (snapshot: Snapshot): boolean =>
  snapshot.setUp !== null && isToDo(snapshot.setUp) && hasEnded(snapshot)

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

const judgeSetUp = (setUp: NonNullable<Snapshot['setUp']>, host: string | null): Judgement => {
  if (setUp.running !== null)
    return { word: 'Setting up', sentence: 'Installing the missing parts', mark: 'busy' }
  if (host !== null)
    return { word: 'Not set up', sentence: `${host} must install the missing parts first`, mark: 'stopped' }
  if (setUp.failure !== null)
    return { word: 'Set-up failed', sentence: 'Nothing was started; you can try again', mark: 'failed' }
  const things = plural(setUp.missing.length, 'part')
  return { word: 'Welcome', sentence: `${things} to install, then the stack starts`, mark: 'stopped' }
}

export const judgeState = (app: AppState | null): Judgement => {
  if (app === null || app.link.kind === 'connecting')
    return { word: 'Connecting', sentence: 'Waiting for the core to answer', mark: 'busy' }
  if (app.link.kind === 'lost')
    return { word: 'No core', sentence: startSentence(app.link.reason), mark: 'unknown' }
  const { snapshot } = app
  if (snapshot === null) return { word: 'Connecting', sentence: 'Waiting for a first reading', mark: 'busy' }
  if (snapshot.setUp !== null && needsSetUp(snapshot)) return judgeSetUp(snapshot.setUp, hostOf(app))
  return judgeSnapshot(snapshot)
}

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
