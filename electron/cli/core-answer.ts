// Answers of a core, with a deadline: a stuck core is reported instead of waited for forever.
import type { Command } from '../contract/command.ts'
import type { Snapshot } from '../contract/snapshot.ts'
import { within } from '../core/base/first-of.ts'
import type { ControlClient } from '../core/control/client.ts'
import { readLockOwner } from '../core/control/core-lock.ts'
import type { CliContext } from './context.ts'

/** A snapshot waits 1.5 s for its readings (core/observe/poller.ts); a swapping machine may need a few seconds more. */
const answerMs = 10_000

/** Throws a one-sentence error and closes the connection when no snapshot comes in time. */
export const readSnapshotInTime = (client: ControlClient, context: CliContext): Promise<Snapshot> =>
  inTime(client.readSnapshot(), client, context)

/** For a command that needs one look. null: no core. Throws like readSnapshotInTime. */
export const readSnapshotOnce = async (
  client: ControlClient | null,
  context: CliContext,
): Promise<Snapshot | null> => {
  if (client === null) return null
  try {
    return await readSnapshotInTime(client, context)
  } finally {
    client.close()
  }
}

/** Throws the reason when the core refuses. */
export const order = async (client: ControlClient, command: Command): Promise<void> => {
  const outcome = await client.dispatch(command)
  if (!outcome.accepted) throw new Error(outcome.reason)
}

/** Throws a one-sentence error and closes the connection when no answer comes in time. */
export const inTime = async <T>(
  answer: Promise<T>,
  client: ControlClient,
  { folder }: CliContext,
): Promise<T> => {
  const answered = await within(
    answer.then((value) => ({ value })),
    answerMs,
  )
  if (answered !== null) return answered.value
  client.close()
  const owner = client.user === null ? readLockOwner(folder.lockPath) : null
  const core = client.user === null ? 'the core' : `${client.user}'s core`
  const pid = owner === null ? '' : ` (pid ${owner.pid})`
  throw new Error(`${core}${pid} does not answer: nexus doctor says more`)
}
