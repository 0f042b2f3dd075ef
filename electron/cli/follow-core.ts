// Watching a core until a judgement of its snapshots is reached.
import type { Snapshot } from '../contract/snapshot.ts'
import type { ControlClient } from '../core/control/client.ts'

/** The snapshot at which `isOver` first held; null when the core went away before. */
export const followUntil = async (
  client: ControlClient,
  isOver: (snapshot: Snapshot) => boolean,
  onSnapshot: (snapshot: Snapshot) => void = () => {},
): Promise<Snapshot | null> => {
  const over = new Promise<Snapshot>((resolve, reject) => {
    client
      .watch((snapshot) => {
        onSnapshot(snapshot)
        if (isOver(snapshot)) resolve(snapshot)
      })
      .begun.catch(reject)
  })
  return Promise.race([over, client.closed.then(() => null)])
}
