// How many requests wait for their turn: one count for every view.
import type { Snapshot } from '../contract/snapshot.ts'

/**
 * Those who wait in the Router, and those that llama-server holds back itself: what came past the Router, or was let in a
 * moment before a slot was really free. null when neither says.
 */
export const countWaiting = ({ requests, queue }: Pick<Snapshot, 'requests' | 'queue'>): number | null => {
  if (requests === null) return queue?.deferred ?? null
  return requests.filter(({ phase }) => phase === 'waiting').length + (queue?.deferred ?? 0)
}
