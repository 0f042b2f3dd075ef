// Conditions that a user should know while they hold, each read from one snapshot. notices.ts decides when to show them.

import type { Notice } from '../../contract/notice.ts'
import { type ServiceId, type SupervisedId, serviceIds, serviceNames } from '../../contract/service-ids.ts'
import { isServing, readService } from '../../contract/services.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import { formatBytes, formatDuration, formatPercent, formatShare, plural } from '../../wording/figures.ts'
import { measureRoom } from '../../wording/room.ts'
import { readSwapping } from '../../wording/swapping.ts'

export type Words = Pick<Notice, 'severity' | 'title' | 'body' | 'view'>

export interface NoticeRule {
  readonly id: string
  /** It must hold this long (absent: 0) and in this many looks (absent: 1) before it is shown: one look may be chance. */
  readonly holdMs?: number
  readonly looks?: number
  /** What counts as a look. `slots`: a reading of the slots, which several snapshots may share; absent: a snapshot. */
  readonly looksAt?: 'slots'
  /** It must be over this long (absent: 0) before it is cleared, so that a flickering condition counts as one. */
  readonly clearMs?: number
  /** null: does not hold. `unknown`: can't be read now. `isHeld`: it is being shown. */
  read(now: Snapshot, isHeld: boolean): Words | null | 'unknown'
}

const glance = { id: 'glance', service: null } as const
const seconds = 1_000

const slotsFull: NoticeRule = {
  id: 'slots-full',
  holdMs: 10 * seconds,
  looks: 2,
  looksAt: 'slots',
  clearMs: 5 * seconds,
  read: (now) => {
    if (!isServing(now.services.llamaServer)) return null
    const room = measureRoom(now)
    if (room === null) return 'unknown'
    // Requests that wait beside a free slot mean that the slots' shared pool is full.
    if (room.free > 0 && room.waiting === 0) return null
    const { slots, free, waiting } = room
    return {
      severity: 'warning',
      title:
        free > 0
          ? 'No room for another agent'
          : slots === 1
            ? 'The only slot is busy'
            : `All ${slots} slots are busy`,
      body: describeQueue(waiting),
      view: glance,
    }
  },
}

const describeQueue = (waiting: number): string => {
  if (waiting === 0) return 'One more agent would have to wait.'
  return waiting === 1
    ? '1 request waits; one more agent waits behind it.'
    : `${waiting} requests wait; one more agent waits behind them.`
}

const longWaitMs = 60 * seconds

/** The Router's reading, which knows each request. */
const longestWait: NoticeRule = {
  id: 'request-waits',
  read: ({ requests, services, takenAt }) => {
    // Without a Router it has no queue.
    if (!isServing(services.proxy)) return null
    if (requests === null) return 'unknown'
    const waiting = requests.filter(({ phase }) => phase === 'waiting')
    const [first] = waiting.toSorted((a, b) => a.startedAt - b.startedAt)
    if (first === undefined || takenAt - first.startedAt < longWaitMs) return null
    return {
      severity: 'warning',
      title: 'Long wait for a request',
      body: `${first.developer} has been waiting for ${formatDuration((takenAt - first.startedAt) / 1000)}.`,
      view: glance,
    }
  },
}

/** Without the Router's reading there is only llama-server's count: the queue was never empty, perhaps with different requests. */
const queueNeverEmpty: NoticeRule = {
  id: 'queue-waits',
  holdMs: longWaitMs,
  looks: 2,
  read: ({ requests, queue, services }) => {
    if (requests !== null || !isServing(services.llamaServer)) return null
    if (queue === null) return 'unknown'
    if (queue.deferred === 0) return null
    return {
      severity: 'warning',
      title: 'Long wait for a slot',
      body: `${plural(queue.deferred, 'request')} ${queue.deferred === 1 ? 'waits' : 'wait'} for a free slot; the queue has not been empty for a minute.`,
      view: glance,
    }
  },
}

const failed = (id: ServiceId): NoticeRule => ({
  id: `failed-${id}`,
  read: (now) => {
    const state = readService(now, id)
    if (state?.phase !== 'failed') return null
    const { restarts, reason } = state
    return {
      // Without the gateway the Router still answers at its own address.
      severity: id === 'gateway' ? 'warning' : 'critical',
      title: restarts > 0 ? `${serviceNames[id]} crashed and stays down` : `${serviceNames[id]} failed`,
      body: reason ?? 'It did not say why.',
      view: id === 'ramDisk' ? { id: 'doctor', service: null } : { id: 'logs', service: id },
    }
  },
})

/** A server that was busy for a moment is not worth a notice. */
const degraded = (id: SupervisedId): NoticeRule => ({
  id: `degraded-${id}`,
  holdMs: 5 * seconds,
  looks: 2,
  read: (now) => {
    const state = readService(now, id)
    if (state?.phase !== 'degraded') return null
    return {
      severity: 'warning',
      title: `${serviceNames[id]} does not answer as it should`,
      body: state.reason ?? 'It did not say why.',
      view: { id: 'logs', service: id },
    }
  },
})

const unproved: NoticeRule = {
  id: 'claude-unanswered',
  read: ({ proofFailure, services }) =>
    proofFailure !== null && isServing(services.llamaServer) && isServing(services.proxy)
      ? {
          severity: 'critical',
          title: 'A Claude request did not come back',
          body: proofFailure,
          view: { id: 'doctor', service: null },
        }
      : null,
}

/** Starts at 90 %, ends below 85 %: a build that writes and deletes around the limit raises one notice. */
const forgeFullShare = 0.9
const forgeRoomyShare = 0.85

const forgeFull: NoticeRule = {
  id: 'forge-full',
  holdMs: 2 * seconds,
  looks: 2,
  clearMs: 5 * seconds,
  read: ({ ramDisk }, isHeld) => {
    if (ramDisk === null) return 'unknown'
    const { mounted, usedBytes, totalBytes } = ramDisk
    if (!mounted) return null
    if (usedBytes === null || totalBytes === null || totalBytes === 0) return 'unknown'
    const share = usedBytes / totalBytes
    if (share < (isHeld ? forgeRoomyShare : forgeFullShare)) return null
    return {
      severity: share >= 0.98 ? 'critical' : 'warning',
      title: `${serviceNames.ramDisk} is ${formatPercent(share)} full`,
      body: `${formatShare(usedBytes, totalBytes)} used; a build that needs more fails.`,
      view: { id: 'glance', service: 'ramDisk' },
    }
  },
}

const swapGrowing: NoticeRule = {
  id: 'swap-growing',
  holdMs: 10 * seconds,
  looks: 3,
  clearMs: 60 * seconds,
  read: ({ memory }) => {
    if (memory === null || memory.swapOutBytesPerSecond === null) return 'unknown'
    const rate = readSwapping(memory)
    if (rate === null) return null
    const inSwap = memory.swapUsedBytes === null ? '' : `, ${formatBytes(memory.swapUsedBytes)} in swap`
    return {
      severity: 'warning',
      title: 'Memory is being swapped out',
      body: `${formatBytes(rate)} per second${inSwap}: the model and builds slow down.`,
      view: { id: 'plan', service: null },
    }
  },
}

const pressure = (level: 'warn' | 'critical'): NoticeRule => ({
  id: `memory-${level}`,
  holdMs: (level === 'warn' ? 10 : 2) * seconds,
  looks: 2,
  clearMs: 30 * seconds,
  read: ({ memory }) => {
    if (memory === null || memory.pressure === null) return 'unknown'
    if (memory.pressure !== level) return null
    return {
      severity: level === 'warn' ? 'warning' : 'critical',
      title: level === 'warn' ? 'Memory is getting tight' : 'Memory is critically short',
      body: `${formatBytes(memory.availableBytes)} of ${formatBytes(memory.totalBytes)} are available.`,
      view: { id: 'plan', service: null },
    }
  },
})

/** In display order among notices of one severity. */
export const noticeRules: readonly NoticeRule[] = [
  ...serviceIds.map(failed),
  unproved,
  degraded('llamaServer'),
  degraded('proxy'),
  degraded('gateway'),
  pressure('critical'),
  pressure('warn'),
  swapGrowing,
  forgeFull,
  slotsFull,
  longestWait,
  queueNeverEmpty,
]
