// Answers of a core, with a deadline: a stuck core is reported instead of waited for forever.
import type { Snapshot } from '../contract/snapshot.ts'
import { within } from '../core/base/deadline.ts'
import type { ControlClient } from '../core/control/client.ts'
import { readLockOwner } from '../core/control/core-lock.ts'
import type { CliContext } from './context.ts'

/** A snapshot waits 1.5 s for its readings (core/observe/poller.ts); a swapping machine may need a few seconds more. */
const answerMs = 10_000

/** Throws a one-sentence error and closes the connection when no snapshot comes in time. */
export const readSnapshotInTime = (client: ControlClient, context: CliContext): Promise<Snapshot> =>
  inTime(client.readSnapshot(), client, context)

/** Throws a one-sentence error and closes the connection when no answer comes in time. */
export const inTime = async <T>(
  answer: Promise<T>,
  client: ControlClient,
  context: CliContext,
): Promise<T> => {
  const answered = await within(
    answer.then((value) => ({ value })),
    answerMs,
  )
  if (answered !== null) return answered.value
  client.close()
  throw new Error(describeSilence(client, context))
}

const describeSilence = ({ user }: ControlClient, { folder }: CliContext): string => {
  if (user !== null) return `${user}'s core does not answer: nexus doctor says more`
  const owner = readLockOwner(folder.lockPath)
  return `the core${owner === null ? '' : ` (pid ${owner.pid})`} does not answer: nexus doctor says more`
}
