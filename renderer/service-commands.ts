// Commands for one service, and what they destroy. Pure.
import type { Command } from '../electron/contract/command.ts'
import type { CommandedId } from '../electron/contract/service-ids.ts'
import type { Snapshot } from '../electron/contract/snapshot.ts'
import { describeWork } from '../electron/wording/work.ts'

export const startOf = (id: CommandedId): Command => ({
  type: 'start',
  only: id,
  profile: null,
  force: false,
})

export const ejectForge: Command = { type: 'stop', only: 'ramDisk', eject: true, now: false, force: false }

export const ejectLoss = 'Everything on the RAM disk is lost; the next builds start from scratch.'

/** What ending a server does to working agents; null: nothing. */
export const describeWorkLoss = (snapshot: Snapshot): string | null => {
  const work = describeWork(snapshot)
  return work === null ? null : `${work} Requests that don’t finish in time are lost.`
}
