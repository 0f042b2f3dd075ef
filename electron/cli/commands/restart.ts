// `nexus restart`: stops, starts again and waits for the proof.
import type { CommandNamed } from '../arguments.ts'
import { attachIfAnythingRuns } from '../attach.ts'
import { type CliContext, exitCodes, fail } from '../context.ts'
import { readSnapshotInTime } from '../core-answer.ts'
import { describeBusy } from '../view/slot-rows.ts'
import { finishStart } from './up.ts'

export const runRestart = async (
  { only, now, json }: CommandNamed<'restart'>,
  context: CliContext,
): Promise<number> => {
  const client = await attachIfAnythingRuns(context)
  if (client === null)
    return fail(context, 'Nothing of ours is running. nexus up starts it.', exitCodes.notRunning)
  try {
    const replaced = await readSnapshotInTime(client, context)
    const busy = now || json || only === 'ramDisk' ? null : describeBusy(replaced, 'nexus restart --now')
    if (busy !== null) context.printError(busy)
    const outcome = await client.dispatch({ type: 'restart', only, now })
    if (!outcome.accepted) return fail(context, outcome.reason)
    return await finishStart(client, context, { only, json, startedAt: Date.now(), replaced })
  } finally {
    client.close()
  }
}
