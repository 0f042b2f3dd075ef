// Whether one more agent would have to wait: one judgement for the window and for what the core notices.
import type { Snapshot } from './contract.ts'
import { countWaiting } from './waiting.ts'

export interface Room {
  readonly slots: number
  readonly free: number
  readonly waiting: number
}

/** Over this Studio and the others that answer; null when this one's slots are not known. */
export const measureRoom = (
  snapshot: Pick<Snapshot, 'slots' | 'nodes' | 'requests' | 'queue'>,
): Room | null => {
  if (snapshot.slots === null || snapshot.slots.length === 0) return null
  const others = snapshot.nodes.flatMap((node) =>
    node.phase === 'unreachable' || node.slots === null ? [] : node.slots,
  )
  const all = [...snapshot.slots, ...others]
  // llama-server tells of a slot only between two batches (up to 8 s apart): the Router knows sooner whom it let through.
  const admitted = (snapshot.requests ?? []).filter(({ phase }) => phase !== 'waiting').length
  const idle = all.filter(({ phase }) => phase === 'idle').length
  const free = Math.max(0, Math.min(idle, all.length - admitted))
  return { slots: all.length, free, waiting: countWaiting(snapshot) ?? 0 }
}
