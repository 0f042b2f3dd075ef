// What has just happened and is told for a while: a crash until it is over, a recovery, a stack that has become ready.
import { type ServiceId, serviceNames } from '../contract.ts'
import type { NoticeRule, Observed } from './notice-conditions.ts'
import { isServing } from './snapshot.ts'

type ServerId = Exclude<ServiceId, 'ramDisk'>
const serverIds = ['llamaServer', 'proxy'] as const satisfies readonly ServerId[]

type ServerMoment =
  | { readonly kind: 'crashed'; readonly reason: string | null }
  | { readonly kind: 'recovered'; readonly at: number; readonly restarts: number }
  | null

export interface Moments {
  readonly servers: Readonly<Record<ServerId, ServerMoment>>
  /** A start that somebody asked for is under way. */
  readonly starting: boolean
  /** When it last led to a ready stack; ms since the epoch. */
  readonly readyAt: number | null
}

export const noMoments: Moments = {
  servers: { llamaServer: null, proxy: null },
  starting: false,
  readyAt: null,
}

const recoveredShownMs = 120_000
const readyShownMs = 60_000

/** @param before null: the first look at all, before which nothing is known to have happened */
export const followMoments = (moments: Moments, before: Observed | null, now: Observed): Moments => {
  const isReady = now.overall === 'ready'
  // What was taken over or came back by itself is no start: nobody waits for it.
  const restarted = serverIds.some((id) => now.services[id].restarts > 0)
  const adopted = serverIds.every((id) => now.services[id].adopted)
  const starting = now.overall === 'starting' && !restarted && !adopted
  return {
    servers: {
      llamaServer: followServer('llamaServer', moments.servers.llamaServer, before, now),
      proxy: followServer('proxy', moments.servers.proxy, before, now),
    },
    starting: starting || (moments.starting && now.overall === 'starting'),
    readyAt: !isReady
      ? null
      : moments.starting && before?.overall !== 'ready'
        ? now.takenAt
        : moments.readyAt,
  }
}

const followServer = (
  id: ServerId,
  moment: ServerMoment,
  before: Observed | null,
  now: Observed,
): ServerMoment => {
  const service = now.services[id]
  if (before !== null && service.restarts > before.services[id].restarts)
    return { kind: 'crashed', reason: service.reason }
  if (moment?.kind === 'crashed' && isServing(service))
    return { kind: 'recovered', at: now.takenAt, restarts: service.restarts }
  // Given up or stopped: that is told by its own words, or was asked for.
  if (service.phase === 'failed' || service.phase === 'stopped' || service.phase === 'stopping') return null
  return moment
}

export const momentRules = ({ servers, readyAt }: Moments): readonly NoticeRule[] => [
  ...serverIds.flatMap((id) => [crashed(id, servers[id]), recovered(id, servers[id])]),
  stackReady(readyAt),
]

const atOnce = { holdMs: 0, looks: 1, clearMs: 0 } as const

const crashed = (id: ServerId, moment: ServerMoment): NoticeRule => ({
  id: `crashed-${id}`,
  ...atOnce,
  read: () =>
    moment?.kind === 'crashed'
      ? {
          severity: 'critical',
          title: `${serviceNames[id]} crashed`,
          body: `${moment.reason ?? 'It did not say why.'} It is started again.`,
          view: { id: 'logs', service: id },
        }
      : null,
})

const recovered = (id: ServerId, moment: ServerMoment): NoticeRule => ({
  id: `recovered-${id}`,
  ...atOnce,
  read: ({ takenAt }) =>
    moment?.kind === 'recovered' && takenAt - moment.at < recoveredShownMs
      ? {
          severity: 'info',
          title: `${serviceNames[id]} answers again`,
          body:
            moment.restarts === 1
              ? 'It crashed and was started again.'
              : `It was started again ${moment.restarts} times.`,
          view: { id: 'logs', service: id },
        }
      : null,
})

const stackReady = (readyAt: number | null): NoticeRule => ({
  id: 'stack-ready',
  ...atOnce,
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
