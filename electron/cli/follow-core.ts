// Watches a core until its snapshots meet a condition.
import type { Snapshot } from '../contract/snapshot.ts'
import type { ControlClient } from '../core/control/client.ts'

/** The first snapshot for which `isOver` holds; null when the core goes away first. */
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
