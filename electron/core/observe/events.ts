// The event log: what happened between two consecutive snapshots. Pure.
import type { Notice, StackEvent } from '../../contract/notice.ts'
import { type ServiceId, serviceNames } from '../../contract/service-ids.ts'
import { isServing, presentServices, readService } from '../../contract/services.ts'
import type { ServiceState, Snapshot } from '../../contract/snapshot.ts'
import { formatDuration, formatMilliseconds } from '../../wording/figures.ts'
import { measureRoom } from '../../wording/room.ts'
import { noticeRules } from './notice-conditions.ts'

/** The contract's limit; more would go unread. */
const keptEvents = 20

export const appendEvents = (
  events: readonly StackEvent[],
  added: readonly StackEvent[],
): readonly StackEvent[] => (added.length === 0 ? events : [...events, ...added].slice(-keptEvents))

/** @param before null: this core's first snapshot; the events then say what it took over */
export const describeChanges = (before: Snapshot | null, after: Snapshot): readonly StackEvent[] => [
  ...presentServices(after).flatMap(({ id, state }) => {
    // A gateway that was absent before belongs to another profile.
    const was = before === null ? null : readService(before, id)
    return was === null ? describeFound(id, state, after) : describeService(id, was, state, after)
  }),
  ...(before === null
    ? []
    : [
        ...describeProfile(before, after),
        ...describeProof(before, after),
        ...describeNotices(before, after),
      ]),
]

type Severity = StackEvent['severity']

const eventAt =
  (after: Snapshot, service: ServiceId | null) =>
  (severity: Severity, text: string): StackEvent => ({ at: after.takenAt, severity, service, text })

const describeFound = (
  id: ServiceId,
  { adopted, pid, uptimeSeconds, phase }: ServiceState,
  after: Snapshot,
): readonly StackEvent[] => {
  const say = eventAt(after, id)
  if (adopted && pid !== null) {
    const age = uptimeSeconds === null ? '' : `, up for ${formatDuration(uptimeSeconds)}`
    return [say('info', `Took over the running ${serviceNames[id]} (pid ${pid}${age})`)]
  }
  return id === 'ramDisk' && phase === 'ready' ? [say('info', `${serviceNames[id]} found mounted`)] : []
}

const describeService = (
  id: ServiceId,
  was: ServiceState,
  is: ServiceState,
  after: Snapshot,
): readonly StackEvent[] => {
  const say = eventAt(after, id)
  const name = serviceNames[id]
  if (is.restarts > was.restarts)
    return [say('warning', `${name} crashed: ${is.reason ?? 'it did not say why'}`)]
  if (is.phase === was.phase) return []
  switch (is.phase) {
    case 'starting':
      return [
        say('info', is.adopted ? `Took over the running ${name} (pid ${is.pid})` : `${name} is starting`),
      ]
    case 'ready':
      return [say('info', describeReady(id, was, is))]
    case 'degraded':
      return [say('warning', `${name} does not answer as it should: ${is.reason ?? 'it did not say why'}`)]
    case 'failed':
      return [say('critical', `${name}: ${is.reason ?? 'failed, and did not say why'}`)]
    case 'stopping':
      return []
    case 'stopped':
      // A failure was cleared or an order cancelled: neither is a stop.
      if (was.phase !== 'stopping') return []
      return [say('info', id === 'ramDisk' ? `${name} ejected` : `${name} stopped`)]
  }
}

const describeReady = (id: ServiceId, was: ServiceState, is: ServiceState): string => {
  const name = serviceNames[id]
  if (was.phase === 'degraded') return `${name} answers again`
  if (was.phase !== 'starting') return id === 'ramDisk' ? `${name} found mounted` : `${name} is ready`
  if (is.adopted) return `${name} answers`
  if (is.restarts > 0) return `${name} is ready again, restarted`
  const took = is.since - was.since
  return `${name} is ready${took > 0 ? ` after ${formatMilliseconds(took)}` : ''}`
}

const describeProfile = (before: Snapshot, after: Snapshot): readonly StackEvent[] =>
  before.profile === after.profile
    ? []
    : [eventAt(after, null)('info', `Profile ${after.profile} instead of ${before.profile}`)]

const describeProof = (before: Snapshot, after: Snapshot): readonly StackEvent[] => {
  const say = eventAt(after, null)
  const { proof, proofFailure } = after
  // A proof read from disk is older than this core.
  const isNew =
    proof !== null && proof.provedAt !== before.proof?.provedAt && proof.provedAt >= before.takenAt
  const proved = isNew
    ? [say('info', `A Claude request came back in ${formatMilliseconds(proof.milliseconds)}`)]
    : []
  const broke =
    proofFailure !== null && proofFailure !== before.proofFailure && isServing(after.services.proxy)
      ? [say('critical', `A Claude request did not come back: ${proofFailure}`)]
      : []
  return [...proved, ...broke]
}

/** Conditions that belong to no single service; the other notices have their own events above. */
const conditionIds: ReadonlySet<string> = new Set([
  'slots-full',
  'request-waits',
  'queue-waits',
  'forge-full',
  'swap-growing',
  'memory-warn',
  'memory-critical',
])

const describeNotices = (before: Snapshot, after: Snapshot): readonly StackEvent[] => {
  const serviceOf = ({ view }: Notice) => view.service
  const conditions = (snapshot: Snapshot) => snapshot.notices.filter(({ id }) => conditionIds.has(id))
  const isIn = (notices: readonly Notice[], { id, since }: Notice) =>
    notices.some((other) => other.id === id && other.since === since)
  const began = conditions(after).filter((notice) => !isIn(before.notices, notice))
  const ended = conditions(before).filter((notice) => !isIn(after.notices, notice))
  return [
    ...ended.map((notice) => eventAt(after, serviceOf(notice))('info', describeEnd(notice, after))),
    ...began.map((notice) => eventAt(after, serviceOf(notice))(notice.severity, notice.title)),
  ]
}

/** Says "over" only if that was read; a stopped service or a missing reading ends a condition in other words. */
const describeEnd = (notice: Notice, after: Snapshot): string => {
  const lasted = formatDuration((after.takenAt - notice.since) / 1000)
  const gone = describeGone(notice.id, after)
  if (gone !== null) return `${gone}, after ${lasted}: ${notice.title}`
  const rule = noticeRules.find(({ id }) => id === notice.id)
  if (rule?.read(after, true) === 'unknown') return `No longer known, after ${lasted}: ${notice.title}`
  const room = notice.id === 'slots-full' ? measureRoom(after) : null
  return room !== null && room.free > 0 && room.waiting === 0
    ? `A slot is free again, after ${lasted}`
    : `Over after ${lasted}: ${notice.title}`
}

/** Says that the subject of the condition no longer serves; null when it does. */
const describeGone = (id: string, { services, ramDisk }: Snapshot): string | null => {
  switch (id) {
    case 'slots-full':
    case 'queue-waits':
      return isServing(services.llamaServer) ? null : `${serviceNames.llamaServer} no longer serves`
    case 'request-waits':
      return isServing(services.proxy) ? null : `${serviceNames.proxy} no longer serves`
    case 'forge-full':
      return ramDisk?.mounted === false ? `${serviceNames.ramDisk} is no longer mounted` : null
    default:
      return null
  }
}
