// `nexus restart`: stops, starts again and waits for the proof.

import type { ControlClient } from '../../core/control/client.ts'
import type { CliCommand } from '../arguments.ts'
import { attachIfAnythingRuns } from '../attach.ts'
import { type CliContext, exitCodes } from '../context.ts'
import { readSnapshotInTime } from '../core-answer.ts'
import { describeBusy } from '../view/busy-view.ts'
import { finishStart } from './up.ts'

type RestartCommand = Extract<CliCommand, { name: 'restart' }>

export const runRestart = async (command: RestartCommand, context: CliContext): Promise<number> => {
  const client = await attachIfAnythingRuns(context)
  if (client === null) {
    context.printError('Nothing of ours is running. nexus up starts it.')
    return exitCodes.notRunning
  }
  try {
    return await restartThrough(client, command, context)
  } finally {
    client.close()
  }
}

const restartThrough = async (
  client: ControlClient,
  command: RestartCommand,
  context: CliContext,
): Promise<number> => {
  const before = await readSnapshotInTime(client, context)
  if (!command.now && !command.json && command.only !== 'ramDisk') {
    const busy = describeBusy(before, 'nexus restart --now')
    if (busy !== null) context.printError(busy)
  }
  const outcome = await client.dispatch({ type: 'restart', only: command.only, now: command.now })
  if (!outcome.accepted) {
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
