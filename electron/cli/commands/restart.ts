// `nexus restart`: stop and start again, and wait for the proof.

import type { CliCommand } from '../arguments.ts'
import { attachIfAnythingRuns } from '../attach.ts'
import { type CliContext, exitCodes } from '../context.ts'
import { describeBusy } from '../view/busy-view.ts'
import { finishStart } from './up.ts'

export const runRestart = async (
  command: Extract<CliCommand, { name: 'restart' }>,
  context: CliContext,
): Promise<number> => {
  const client = await attachIfAnythingRuns(context)
  if (client === null) {
    context.printError('Nothing of ours is running. nexus up starts it.')
    return exitCodes.notRunning
  }
  const before = await client.readSnapshot()
  if (!command.now && !command.json && command.only !== 'ramDisk') {
    const busy = describeBusy(before, 'nexus restart --now')
    if (busy !== null) context.printError(busy)
  }
  const outcome = await client.dispatch({ type: 'restart', only: command.only, now: command.now })
  if (!outcome.accepted) {
    client.close()
    context.printError(outcome.reason)
    return exitCodes.failed
  }
  return finishStart(client, context, {
    only: command.only,
    json: command.json,
    startedAt: Date.now(),
    replaced: before,
  })
}
