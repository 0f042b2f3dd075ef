// Recent events that are shown for a while: a crash until it is over, a recovery, a stack that has become ready.

import { commandedIds, type SupervisedId, serviceNames, supervisedIds } from '../../contract/service-ids.ts'
import { isServing, readService } from '../../contract/services.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import type { NoticeRule } from './notice-conditions.ts'

/** The services whose start is the stack's start. */
const serverIds = ['llamaServer', 'proxy'] as const satisfies readonly SupervisedId[]

type ServiceMoment =
  | { readonly kind: 'crashed'; readonly reason: string | null }
  | { readonly kind: 'recovered'; readonly at: number; readonly restarts: number }
  | null

export interface Moments {
  readonly services: Readonly<Record<SupervisedId, ServiceMoment>>
  /** A start that a user asked for is under way. */
  readonly starting: boolean
  /** When such a start last made the stack ready; ms since the epoch. */
  readonly readyAt: number | null
}

export const noMoments: Moments = {
  services: { llamaServer: null, proxy: null, gateway: null },
  starting: false,
  readyAt: null,
}

const recoveredShownMs = 120_000
const readyShownMs = 60_000

/** @param before null: this is the first snapshot, so nothing has happened yet */
export const followMoments = (moments: Moments, before: Snapshot | null, now: Snapshot): Moments => {
  const isReady = now.overall === 'ready'
  // An adopted or automatically restarted service is no start that a user waits for.
  const restarted = serverIds.some((id) => now.services[id].restarts > 0)
  const adopted = serverIds.every((id) => now.services[id].adopted)
  const starting = now.overall === 'starting' && !restarted && !adopted
  return {
    services: {
      llamaServer: followService('llamaServer', moments.services.llamaServer, before, now),
      proxy: followService('proxy', moments.services.proxy, before, now),
      gateway: followService('gateway', moments.services.gateway, before, now),
    },
    starting: starting || (moments.starting && isUnderWay(now)),
    readyAt: !isReady
      ? null
      : moments.starting && before?.overall !== 'ready'
        ? now.takenAt
        : moments.readyAt,
  }
}

/** A stack that serves before its disk is mounted is not complete yet: that start is still under way. */
const isUnderWay = ({ overall, services }: Snapshot): boolean =>
  overall === 'starting' || commandedIds.some((id) => services[id].phase === 'starting')

const followService = (
  id: SupervisedId,
  moment: ServiceMoment,
  before: Snapshot | null,
  now: Snapshot,
): ServiceMoment => {
  const service = readService(now, id)
  if (service === null) return null
  const was = before === null ? null : readService(before, id)
  if (was !== null && service.restarts > was.restarts) return { kind: 'crashed', reason: service.reason }
  if (moment?.kind === 'crashed' && isServing(service))
    return { kind: 'recovered', at: now.takenAt, restarts: service.restarts }
  // It gave up, which has its own notice, or was stopped on request.
  if (service.phase === 'failed' || service.phase === 'stopped' || service.phase === 'stopping') return null
  return moment
}

export const momentRules = ({ services, readyAt }: Moments): readonly NoticeRule[] => [
  ...supervisedIds.flatMap((id) => [crashed(id, services[id]), recovered(id, services[id])]),
  stackReady(readyAt),
]

const crashed = (id: SupervisedId, moment: ServiceMoment): NoticeRule => ({
  id: `crashed-${id}`,
  read: () =>
    moment?.kind === 'crashed'
      ? {
          severity: id === 'gateway' ? 'warning' : 'critical',
          title: `${serviceNames[id]} crashed`,
          body: `${moment.reason ?? 'It did not say why.'} It is restarting.`,
          view: { id: 'logs', service: id },
        }
      : null,
})

const recovered = (id: SupervisedId, moment: ServiceMoment): NoticeRule => ({
  id: `recovered-${id}`,
  read: ({ takenAt }) =>
    moment?.kind === 'recovered' && takenAt - moment.at < recoveredShownMs
      ? {
          severity: 'info',
          title: `${serviceNames[id]} answers again`,
          body:
            moment.restarts === 1
              ? 'It crashed and was restarted.'
              : `It was restarted ${moment.restarts} times.`,
          view: { id: 'logs', service: id },
        }
      : null,
})

const stackReady = (readyAt: number | null): NoticeRule => ({
  id: 'stack-ready',
  read: ({ takenAt, services }) =>
    readyAt !== null && takenAt - readyAt < readyShownMs
      ? {
          severity: 'info',
          title: 'Ready',
          body: `A Claude request was answered; the Router listens on ${services.proxy.endpoint ?? 'its port'}.`,
          view: { id: 'glance', service: null },
        }
      : null,
})
