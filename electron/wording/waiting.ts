// Counts waiting requests, the same for every view.
import type { Snapshot } from '../contract/snapshot.ts'

/**
 * Requests that wait in the Router, and those that llama-server defers: they bypassed the Router, or were let in just
 * before a slot was really free. null when neither reports.
 */
export const countWaiting = ({ requests, queue }: Pick<Snapshot, 'requests' | 'queue'>): number | null => {
  if (requests === null) return queue?.deferred ?? null
  return requests.filter(({ phase }) => phase === 'waiting').length + (queue?.deferred ?? 0)
}
