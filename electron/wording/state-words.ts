// The state of the stack in one word, and the sentence that a person acts on: one judgement for terminal, window and icon. Pure.
import type { AppState } from '../contract/app.ts'
import { hostOf } from '../contract/guest-rights.ts'
import { type CommandedId, commandedIds, type ServiceId, serviceNames } from '../contract/service-ids.ts'
import { isServing, presentServices, readService } from '../contract/services.ts'
import type { ServiceState, Snapshot } from '../contract/snapshot.ts'
import { plural } from './figures.ts'
import { measureRoom, measureWork, sayRoom } from './room.ts'

/** Each has its own shape and tone, so that colour is never the only signal. */
export type Mark = 'ready' | 'full' | 'busy' | 'stopped' | 'warning' | 'failed' | 'unknown'

export interface Judgement {
  readonly word: string
  /** A fragment, to follow a colon or to begin a sentence. */
  readonly sentence: string
  readonly mark: Mark
}

const findService = (snapshot: Snapshot, phase: Snapshot['overall']): ServiceId | undefined =>
  presentServices(snapshot).find(({ state }) => state.phase === phase)?.id

const sayProgress = (snapshot: Snapshot, id: ServiceId, otherwise: string): string => {
  const words = readService(snapshot, id)?.waitingFor ?? null
  return words === null ? `${serviceNames[id]} ${otherwise}` : `${serviceNames[id]}: ${words}`
}

const findStarting = ({ services }: Snapshot): CommandedId | undefined => {
  // Servers before the disk: they take longer.
  const order: readonly CommandedId[] = ['llamaServer', 'proxy', 'ramDisk']
  return order.find((id) => services[id].phase === 'starting')
}

const describeStarting = (snapshot: Snapshot): string => {
  const id = findStarting(snapshot)
  return id === undefined
    ? 'waiting for a first answer through the Router'
    : sayProgress(snapshot, id, 'is starting')
}

const describeStopping = (snapshot: Snapshot): string => {
  const work = measureWork(snapshot)
  if (work.kind === 'agents' && work.busy > 0) return `waiting for ${plural(work.busy, 'agent')} to finish`
  const id = findService(snapshot, 'stopping')
  return id === undefined ? 'ending the services' : sayProgress(snapshot, id, 'is ending')
}

/** "llama-server (pid 812, user anna)": the process on one of our ports. @param name what to show of the path of its program */
export const nameForeign = (
  { pid, command, user }: NonNullable<ServiceState['foreign']>,
  name: (path: string) => string,
): string => {
  const who = [...(pid === null ? [] : [`pid ${pid}`]), ...(user === null ? [] : [`user ${user}`])]
  const program = command === null ? 'another program' : name(command)
  return who.length === 0 ? program : `${program} (${who.join(', ')})`
}

/** Why a Claude request got no answer although both servers are ready; null otherwise, or while something starts or ends. */
export const whyUnanswered = ({ overall, services, proof, proofFailure }: Snapshot): string | null =>
  overall === 'degraded' &&
  services.llamaServer.phase === 'ready' &&
  services.proxy.phase === 'ready' &&
  proof === null
    ? proofFailure
    : null

const describeDegraded = (snapshot: Snapshot): string => {
  const { services } = snapshot
  const answers = services.llamaServer.phase === 'ready' && services.proxy.phase === 'ready'
  // The Router's row has the reason and a button.
  if (whyUnanswered(snapshot) !== null) return 'a Claude request was not answered'
  const room = sayRoom(measureRoom(snapshot)).sentence
  if (answers && services.ramDisk.phase !== 'ready')
    return `${room}; ${services.ramDisk.phase === 'stopped' ? 'the RAM disk was not started' : 'no RAM disk for builds'}`
  const id = findService(snapshot, 'degraded') ?? findService(snapshot, 'failed')
  if (id === undefined) {
    const off = commandedIds.find((each) => !isServing(services[each]))
    return off === undefined
      ? 'requests may not be answered'
      : `${serviceNames[off]} is ${services[off].phase}`
  }
  if (id === 'gateway') return `${room}; the name without the Router’s port does not work`
  return id === 'ramDisk' ? 'the RAM disk has a problem' : `${serviceNames[id]} may not answer`
}

const describeStopped = (snapshot: Snapshot): string => {
  const foreign = commandedIds.find((id) => snapshot.services[id].foreign !== null)
  return foreign === undefined
    ? 'no agent gets answers until you start the stack'
    : `${serviceNames[foreign]}’s port is held by a program that Nexus did not start`
}

const readReason = (snapshot: Snapshot, id: ServiceId | undefined): string | null => {
  const reason = id === undefined ? null : (readService(snapshot, id)?.reason ?? null)
  return id === undefined || reason === null ? null : `${serviceNames[id]}: ${reason}`
}

/** The reason of the service that is worst off; of one that starts again, why it ended. */
const readCause = (snapshot: Snapshot): string | null => {
  const { overall, proofFailure } = snapshot
  if (overall === 'starting') return readReason(snapshot, findStarting(snapshot))
  if (overall !== 'degraded' && overall !== 'failed') return null
  // Worse than a lost RAM disk, which has a row of its own.
  const unanswered = whyUnanswered(snapshot)
  if (unanswered !== null) return unanswered
  const id = findService(snapshot, overall) ?? findService(snapshot, 'failed')
  // Unanswered requests are worse than a name that does not work.
  if (id === undefined || (id === 'gateway' && proofFailure !== null)) return proofFailure
  return readReason(snapshot, id)
}

const sayOverall = (snapshot: Snapshot): Judgement => {
  switch (snapshot.overall) {
    case 'ready': {
      const { isFull, sentence } = sayRoom(measureRoom(snapshot))
      return isFull ? { word: 'Full', sentence, mark: 'full' } : { word: 'Ready', sentence, mark: 'ready' }
    }
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
      const who = id === undefined ? 'the stack' : serviceNames[id]
      return { word: 'Failed', sentence: `${who} failed: no agent gets answers`, mark: 'failed' }
    }
  }
}

export const judgeSnapshot = (snapshot: Snapshot) => ({
  ...sayOverall(snapshot),
  /** Why it is degraded or failed, or starts again, in the service's own words, for places without a card that says it; null: not known. */
  cause: readCause(snapshot),
})

export const hasEnded = ({ overall }: Snapshot): boolean => overall === 'stopped' || overall === 'failed'

export const isToDo = ({ missing, running }: NonNullable<Snapshot['setUp']>): boolean =>
  missing.length > 0 || running !== null

/** Whether the guided page replaces the rest: something is missing, and nothing runs meanwhile. */
export const needsSetUp = (snapshot: Snapshot): boolean =>
  snapshot.setUp !== null && isToDo(snapshot.setUp) && hasEnded(snapshot)

const judgeSetUp = (setUp: NonNullable<Snapshot['setUp']>, host: string | null): Judgement => {
  if (setUp.running !== null)
    return { word: 'Setting up', sentence: 'installing the missing parts', mark: 'busy' }
  if (host !== null)
    return { word: 'Not set up', sentence: `${host} must install the missing parts first`, mark: 'stopped' }
  if (setUp.failure !== null)
    return { word: 'Set-up failed', sentence: 'nothing was started; you can try again', mark: 'failed' }
  const things = plural(setUp.missing.length, 'part')
  return { word: 'Welcome', sentence: `${things} to install, then the stack starts`, mark: 'stopped' }
}

export const judgeState = (app: AppState | null): Judgement => {
  if (app === null || app.link.kind === 'connecting')
    return { word: 'Connecting', sentence: 'waiting for the core to answer', mark: 'busy' }
  if (app.link.kind === 'lost') return { word: 'No core', sentence: app.link.reason, mark: 'unknown' }
  const { snapshot } = app
  if (snapshot === null) return { word: 'Connecting', sentence: 'waiting for a first reading', mark: 'busy' }
  if (snapshot.setUp !== null && needsSetUp(snapshot)) return judgeSetUp(snapshot.setUp, hostOf(app))
  return sayOverall(snapshot)
}
