// How busy the stack is: free slots, who waits, and the work that a stop interrupts. One judgement for every view and for the
// core's notices. Pure.
import { isServing } from '../contract/services.ts'
import type { Snapshot, StudioNode } from '../contract/snapshot.ts'
import { plural } from './figures.ts'

export interface Room {
  readonly slots: number
  readonly free: number
  readonly waiting: number
}

/** Over this Studio and the others that answer; null when this one's slots are unknown. */
export const measureRoom = (
  snapshot: Pick<Snapshot, 'slots' | 'nodes' | 'requests' | 'queue'>,
): Room | null => {
  if (snapshot.slots === null || snapshot.slots.length === 0) return null
  const others = snapshot.nodes.flatMap((node) =>
    node.phase === 'unreachable' || node.slots === null ? [] : node.slots,
  )
  const all = [...snapshot.slots, ...others]
  // llama-server reports slots only between batches (up to 8 s apart): the Router knows sooner which requests it let through.
  const admitted = (snapshot.requests ?? []).filter(({ phase }) => phase !== 'waiting').length
  const idle = all.filter(({ phase }) => phase === 'idle').length
  const free = Math.max(0, Math.min(idle, all.length - admitted))
  return { slots: all.length, free, waiting: countWaiting(snapshot) ?? 0 }
}

const ordinals = ['', 'second', 'third', 'fourth', 'fifth', 'sixth', 'seventh', 'eighth', 'ninth', 'tenth']

/** The fragment that a person acts on, to follow a colon or to begin a sentence; `null`: the stack answers but does not report its slots right now. */
export const sayRoom = (room: Room | null): { readonly isFull: boolean; readonly sentence: string } => {
  if (room === null)
    return { isFull: false, sentence: 'requests are answered; slots are not known right now' }
  const { slots, free, waiting } = room
  const busy = slots === 1 ? 'the one slot is busy' : `all ${slots} busy`
  if (waiting > 0) {
    const why = free > 0 ? `${plural(free, 'slot')} free but no room` : busy
    return { isFull: true, sentence: `${why}: a new agent waits behind ${plural(waiting, 'other')}` }
  }
  if (free > 0) return { isFull: false, sentence: `${plural(free, 'slot')} free, a new agent starts at once` }
  const next = ordinals[slots]
  const agent = next === undefined ? 'one more agent' : `a ${next} agent`
  return { isFull: true, sentence: `${busy}: ${agent} waits its turn` }
}

/**
 * Requests that wait in the Router, and those that llama-server defers: they bypassed the Router, or were let in just
 * before a slot was really free. null when neither reports.
 */
export const countWaiting = ({ requests, queue }: Pick<Snapshot, 'requests' | 'queue'>): number | null => {
  if (requests === null) return queue?.deferred ?? null
  return requests.filter(({ phase }) => phase === 'waiting').length + (queue?.deferred ?? 0)
}

type Work =
  | { readonly kind: 'none' }
  /** The AI Engine serves but does not report its slots. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'agents'; readonly busy: number; readonly waiting: number }

/** On this Studio and the others, with requests that the Router has let through; without a serving AI Engine there is none. */
export const measureWork = (snapshot: Snapshot): Work => {
  const room = measureRoom(snapshot)
  if (room === null) {
    return { kind: isServing(snapshot.services.llamaServer) ? 'unknown' : 'none' }
  }
  const { slots, free, waiting } = room
  const busy = slots - free
  return busy === 0 && waiting === 0 ? { kind: 'none' } : { kind: 'agents', busy, waiting }
}

/** A sentence about the work in progress; null: none. */
export const describeWork = (snapshot: Snapshot | null): string | null => {
  if (snapshot === null) return null
  const work = measureWork(snapshot)
  switch (work.kind) {
    case 'none':
      return null
    case 'unknown':
      return 'Could not find out whether agents are being answered.'
    case 'agents': {
      const { busy, waiting } = work
      const queue =
        waiting === 0 ? '' : `, and ${plural(waiting, 'request')} ${waiting === 1 ? 'waits' : 'wait'}`
      return `${plural(busy, 'agent')} ${busy === 1 ? 'is' : 'are'} being answered${queue}.`
    }
  }
}

/** One of the other Studios: "0 of 2 slots busy, 1 waiting". */
export const describeNodeSlots = ({ slots, queue }: StudioNode): string => {
  if (slots === null) return 'slots not known'
  const busy = slots.filter(({ phase }) => phase !== 'idle').length
  const waiting = queue === null || queue.deferred === 0 ? '' : `, ${queue.deferred} waiting`
  return `${busy} of ${plural(slots.length, 'slot')} busy${waiting}`
}
