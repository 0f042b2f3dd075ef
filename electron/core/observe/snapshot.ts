// The pure fold of readings into one Snapshot. Missing and stale readings are null.

import type { MemoryPlan } from '../../contract/memory-plan.ts'
import { isServing } from '../../contract/services.ts'
import {
  contractVersion,
  type Memory,
  type Phase,
  type Queue,
  type RamDisk,
  type ServiceState,
  type Slot,
  type Snapshot,
  type Throughput,
} from '../../contract/snapshot.ts'
import { showControls } from '../../wording/visible-text.ts'
import { isRecent, type Reading } from '../base/reading.ts'
import { explainSpeculation, type SpeculationEvidence } from '../engine/speculation.ts'
import type { Allocations } from '../memory/allocations.ts'
import { buildMemoryMap } from '../memory/memory-map.ts'

export type Services = Readonly<Snapshot['services']>

/** What a snapshot shows as the core knows it. */
type Known = Omit<
  Snapshot,
  | 'version'
  | 'takenAt'
  | 'overall'
  | 'services'
  | 'memory'
  | 'ramDisk'
  | 'slots'
  | 'queue'
  | 'throughput'
  | 'speculationFailure'
  | 'memoryMap'
  | 'events'
  | 'notices'
>

export interface Readings extends Known {
  readonly services: Services
  readonly memory: Reading<Memory> | null
  readonly ramDisk: Reading<RamDisk> | null
  readonly slots: Reading<Slot[]> | null
  readonly queue: Reading<Queue> | null
  readonly throughput: Reading<Throughput> | null
  /** When the request was sent that llama-server has not answered yet; null when there is none. */
  readonly engineAskedAt: number | null
  /** Of the serving llama-server; null when none serves. */
  readonly speculation: Omit<SpeculationEvidence, 'slots'> | null
  /** This profile's plan; null while there is none. */
  readonly memoryPlan: MemoryPlan | null
  /** What the serving llama-server logged as allocated. */
  readonly allocations: Allocations | null
}

/**
 * One instant of the stack, without events and notices: they depend on earlier snapshots, so published.ts adds them.
 * @param maxAgeMs the age up to which a reading counts as live
 */
export const foldSnapshot = (readings: Readings, now: number, maxAgeMs: number): Snapshot => {
  const { engineAskedAt, speculation, memoryPlan, allocations, ...known } = readings
  const live = <T>(reading: Reading<T> | null): T | null =>
    reading !== null && isRecent(reading.takenAt, now, maxAgeMs) ? reading.value : null
  const { services, queue, proofFailure } = known
  const engineAnswers = isServing(services.llamaServer)
  const routerAnswers = isServing(services.proxy)
  const slots = engineAnswers ? (live(known.slots) ?? heldSlots(readings, maxAgeMs)) : null
  const ramDisk = live(known.ramDisk)
  const speculationFailure = speculation === null ? null : explainSpeculation({ ...speculation, slots })
  return {
    ...known,
    version: contractVersion,
    takenAt: now,
    overall: judgeOverall(known),
    services: showReasons(services),
    proofFailure: proofFailure === null ? null : showControls(proofFailure),
    memory: live(known.memory),
    ramDisk,
    slots,
    queue: engineAnswers ? (live(queue) ?? (slots === null ? null : (queue?.value ?? null))) : null,
    throughput: engineAnswers ? live(known.throughput) : null,
    requests: routerAnswers ? known.requests : null,
    developers: routerAnswers ? known.developers : null,
    ...(speculationFailure === null ? {} : { speculationFailure }),
    memoryMap: memoryPlan === null ? null : buildMemoryMap({ plan: memoryPlan, allocations, ramDisk }),
    events: [],
    notices: [],
  }
}

const showReasons = ({ ramDisk, llamaServer, proxy, gateway }: Services): Snapshot['services'] => ({
  ramDisk: showReason(ramDisk),
  llamaServer: showReason(llamaServer),
  proxy: showReason(proxy),
  ...(gateway === undefined ? {} : { gateway: showReason(gateway) }),
})

/** Escapes control characters: a reason quotes logs and other programs, and is shown in tray, notification, window and terminal. */
const showReason = (state: ServiceState): ServiceState =>
  state.reason === null ? state : { ...state, reason: showControls(state.reason) }

/**
 * llama-server answers /slots between two batches (b10068: up to 8 s apart during a prefill, measured), and no slot
 * changes hands within a batch. So while an answer is due, the last one still shows which slots are busy; its rates are out of
 * date, and become null. null when the last answer was already stale when the request was sent.
 */
const heldSlots = ({ slots, engineAskedAt }: Readings, maxAgeMs: number): Slot[] | null => {
  if (slots === null || engineAskedAt === null || !isRecent(slots.takenAt, engineAskedAt, maxAgeMs))
    return null
  return slots.value.map((slot) => ({ ...slot, tokensPerSecond: null }))
}

/**
 * The overall state of the stack. Transitions first (something is being done), then the worst state; `ready` only when all
 * three services are ready and the end-to-end message came back. Clients can bypass the gateway: a bad one makes a ready
 * stack degraded, and a starting one doesn't delay it.
 */
export const judgeOverall = ({
  services,
  proof,
  proofFailure,
}: Pick<Readings, 'services' | 'proof' | 'proofFailure'>): Phase => {
  const { gateway } = services
  const answersClaude = isServing(services.llamaServer) && isServing(services.proxy)
  const all = [services.ramDisk, services.llamaServer, services.proxy]
  const some = (phase: Phase) => all.some((service) => service.phase === phase)
  // Mounting or ejecting a disk while the stack serves is no start or stop of the stack.
  const isServed = answersClaude && proof !== null
  const moves = (phase: 'starting' | 'stopping') =>
    !(isServed && services.ramDisk.phase === phase) && some(phase)
  if (moves('stopping') || gateway?.phase === 'stopping') return 'stopping'
  if (moves('starting')) return 'starting'
  if (all.every((service) => service.phase === 'stopped')) return 'stopped'
  if (some('failed') && !answersClaude) return 'failed'
  // Both servers are stopped: the forge was started alone, or stays mounted after a stop.
  if (services.llamaServer.phase === 'stopped' && services.proxy.phase === 'stopped') return 'stopped'
  if (!answersClaude || all.some(({ phase }) => phase !== 'ready')) return 'degraded'
  if (proof !== null)
    return gateway?.phase === 'failed' || gateway?.phase === 'degraded' ? 'degraded' : 'ready'
  return proofFailure === null ? 'starting' : 'degraded'
}
