// The state in one word, and the sentence that a person acts on.

import { type CommandedId, commandedIds, type ServiceId, serviceNames } from '../../contract/service-ids.ts'
import { presentServices, readService } from '../../contract/services.ts'
import type { ServiceState, Snapshot } from '../../contract/snapshot.ts'
import { measureRoom, sayRoom } from '../../wording/room.ts'
import type { Tone } from './text-line.ts'

export interface StateSummary {
  readonly word: string
  readonly sentence: string
  readonly tone: Tone
}

const findPhase = (snapshot: Snapshot, phase: ServiceState['phase']): ServiceId | undefined =>
  presentServices(snapshot).find(({ state }) => state.phase === phase)?.id

const describeService = (snapshot: Snapshot, id: ServiceId | undefined, otherwise: string): string => {
  if (id === undefined) return otherwise
  const state = readService(snapshot, id)
  const words = state?.reason ?? state?.waitingFor ?? null
  return words === null ? `${serviceNames[id]}: ${otherwise}` : `${serviceNames[id]}: ${words}`
}

const describeSlots = (snapshot: Snapshot): StateSummary => {
  const { isFull, sentence } = sayRoom(measureRoom(snapshot))
  return isFull ? { word: 'Full', sentence, tone: 'warn' } : { word: 'Ready', sentence, tone: 'good' }
}

const describeStarting = (snapshot: Snapshot): string => {
  // Servers before the disk: they take longer.
  const order: readonly CommandedId[] = ['llamaServer', 'proxy', 'ramDisk']
  const id = order.find((each) => snapshot.services[each].phase === 'starting')
  return describeService(
    snapshot,
    id,
    id === undefined ? 'waiting for a first answer from the model' : 'starting',
  )
}

const describeStopped = (snapshot: Snapshot): string => {
  const foreign = commandedIds.find((id) => snapshot.services[id].foreign !== null)
  if (foreign !== undefined)
    return `${serviceNames[foreign]}'s port is held by a process that Nexus did not start`
  return '`nexus up` starts Build Forge, AI Engine and Router'
}

export const summarizeState = (snapshot: Snapshot): StateSummary => {
  switch (snapshot.overall) {
    case 'ready':
      return describeSlots(snapshot)
    case 'stopped':
      return { word: 'Stopped', sentence: describeStopped(snapshot), tone: 'strong' }
    case 'starting':
      return { word: 'Starting', sentence: describeStarting(snapshot), tone: 'busy' }
    case 'stopping': {
      const id = findPhase(snapshot, 'stopping')
      return { word: 'Stopping', sentence: describeService(snapshot, id, 'ending'), tone: 'busy' }
    }
    case 'degraded': {
      const id = findPhase(snapshot, 'degraded') ?? findPhase(snapshot, 'failed')
      // Unanswered requests are worse than a name that does not work.
      if ((id === undefined || id === 'gateway') && snapshot.proofFailure !== null) {
        return { word: 'Degraded', sentence: snapshot.proofFailure, tone: 'warn' }
      }
      const sentence = describeService(snapshot, id, 'requests may not be answered')
      return { word: 'Degraded', sentence, tone: 'warn' }
    }
    case 'failed': {
      const id = findPhase(snapshot, 'failed')
      const sentence = describeService(snapshot, id, snapshot.proofFailure ?? 'no request is answered')
      return { word: 'Failed', sentence, tone: 'bad' }
    }
  }
}

/** The command that fixes a service, or shows why it is unhealthy; null when nothing is wrong. */
export const findMendingCommand = (id: ServiceId, state: ServiceState): string | null => {
  if (state.foreign !== null) return 'nexus doctor'
  switch (state.phase) {
    case 'failed':
      // It crashed until the supervisor gave up: worth another try. It failed at once: the doctor knows why.
      if (state.restarts === 0) return 'nexus doctor'
      return id === 'gateway' ? 'nexus up' : `nexus restart ${id}`
    case 'degraded':
      return id === 'ramDisk' ? 'nexus doctor' : `nexus logs ${id} --follow`
    case 'stopped':
    case 'starting':
    case 'ready':
    case 'stopping':
      return null
  }
}
