// What is done to one service, and what is lost by it. Pure.
import type { Command, ServiceId } from '../electron/contract.ts'
import { plural } from '../electron/figures.ts'

export const startOf = (id: ServiceId): Command => ({ type: 'start', only: id, profile: null, force: false })

export const ejectForge: Command = { type: 'stop', only: 'ramDisk', eject: true, now: false, force: false }

export const ejectLoss = 'Everything on the RAM disk is lost; the next builds start from nothing.'

/** What ending a server does to the agents at work; null: nothing. */
export const describeBusyLoss = (busy: number): string | null =>
  busy === 0 ? null : `${plural(busy, 'agent')} at work; what does not finish in time is lost.`
