// What a person should know while it holds, read from one snapshot each. When it is told, and again, is in notices.ts.

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
  /** It has to hold this long, and in this many looks, before it is told: one look may be chance. */
  readonly holdMs: number
  readonly looks: number
  /** What a look is: `slots` a reading of the slots, which one snapshot after the other may hold; absent: a snapshot. */
  readonly looksAt?: 'slots'
  /** It has to be over this long before it goes: what flickers is one thing that goes on. */
  readonly clearMs: number
  /** null: does not hold. `unknown`: cannot be told now. `isHeld`: it has been told and is not over. */
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
    // With a free slot and somebody waiting there is no room in the pool that the slots share.
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

/** The Router knows each request. */
const longestWait: NoticeRule = {
  id: 'request-waits',
  holdMs: 0,
  looks: 1,
  clearMs: 0,
  read: ({ requests, services, takenAt }) => {
    // Without a Router nobody waits in it.
    if (!isServing(services.proxy)) return null
    if (requests === null) return 'unknown'
    const waiting = requests.filter(({ phase }) => phase === 'waiting')
    const [first] = waiting.toSorted((a, b) => a.startedAt - b.startedAt)
    if (first === undefined || takenAt - first.startedAt < longWaitMs) return null
    return {
      severity: 'warning',
      title: 'A request waits long',
      body: `${first.developer} has been waiting for ${formatDuration((takenAt - first.startedAt) / 1000)}.`,
      view: glance,
    }
  },
}

/** Without a Router that tells, only llama-server's count: somebody has been waiting all the time, perhaps in turns. */
const queueNeverEmpty: NoticeRule = {
  id: 'queue-waits',
  holdMs: longWaitMs,
  looks: 2,
  clearMs: 0,
  read: ({ requests, queue, services }) => {
    if (requests !== null || !isServing(services.llamaServer)) return null
    if (queue === null) return 'unknown'
    if (queue.deferred === 0) return null
    return {
      severity: 'warning',
      title: 'Requests wait long',
      body: `${plural(queue.deferred, 'request')} ${queue.deferred === 1 ? 'waits' : 'wait'} for a free slot; it has not been empty for a minute.`,
      view: glance,
    }
  },
}

const failed = (id: ServiceId): NoticeRule => ({
  id: `failed-${id}`,
  holdMs: 0,
  looks: 1,
  clearMs: 0,
  read: (now) => {
    const state = readService(now, id)
    if (state?.phase !== 'failed') return null
    const { restarts, reason } = state
    return {
      // Without a gateway the Router still answers at its own address.
      severity: id === 'gateway' ? 'warning' : 'critical',
      title: restarts > 0 ? `${serviceNames[id]} crashed and stays down` : `${serviceNames[id]} failed`,
      body: reason ?? 'It did not say why.',
      view: id === 'ramDisk' ? { id: 'doctor', service: null } : { id: 'logs', service: id },
    }
  },
})

/** A server that only was busy for a moment is no news. */
const degraded = (id: SupervisedId): NoticeRule => ({
  id: `degraded-${id}`,
  holdMs: 5 * seconds,
  looks: 2,
  clearMs: 0,
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
  holdMs: 0,
  looks: 1,
  clearMs: 0,
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

/** Told at 90 %, over below 85 %: a build that writes and deletes at the edge is told once. */
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
      body: `${formatBytes(rate)} per second${inSwap}: the model and the builds get slow.`,
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

/** In the order in which they are shown among equals. */
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
