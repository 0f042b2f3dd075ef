// Watches a core until its snapshots meet a condition.
import type { Snapshot } from '../contract/snapshot.ts'
import type { ControlClient } from '../core/control/client.ts'
import type { DownJudgement, UpJudgement } from './settling.ts'

/** The first snapshot for which `isOver` holds; null when the core goes away first. Rejects when `signal` is aborted. */
export const followUntil = async (
  client: ControlClient,
  isOver: (snapshot: Snapshot) => boolean,
  onSnapshot: (snapshot: Snapshot) => void = () => {},
  signal?: AbortSignal,
): Promise<Snapshot | null> => {
  signal?.throwIfAborted()
  const { promise: over, resolve, reject } = Promise.withResolvers<Snapshot>()
  signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
  const watching = client.watch((snapshot) => {
    onSnapshot(snapshot)
    if (isOver(snapshot)) resolve(snapshot)
  })
  watching.begun.catch(reject)
  try {
    return await Promise.race([over, client.closed.then(() => null)])
  } finally {
    watching.stop()
  }
}

/** Waits for the end of a start or stop. Throws the reasons when it fails. */
export const untilSettled = async (
  client: ControlClient,
  judge: (snapshot: Snapshot) => UpJudgement | DownJudgement,
  signal?: AbortSignal,
): Promise<Snapshot> => {
  const last = await followUntil(client, (now) => judge(now).kind !== 'waiting', undefined, signal)
  if (last === null) throw new Error('the core went away')
  const judgement = judge(last)
  if (judgement.kind === 'failed') throw new Error(judgement.reasons.join(' '))
  return last
}
