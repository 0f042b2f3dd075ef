// What is done to one service, and what is lost by it. Pure.
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

export const ejectLoss = 'Everything on the RAM disk is lost; the next builds start from nothing.'

/** What ending a server does to the agents at work; null: nothing. */
export const describeWorkLoss = (snapshot: Snapshot): string | null => {
  const work = describeWork(snapshot)
  return work === null ? null : `${work} What does not finish in time is lost.`
}
