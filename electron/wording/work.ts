// Who is interrupted when the servers end: one judgement for the window, the icon's menu and the question before quitting. Pure.

import { isServing } from '../contract/services.ts'
import type { Snapshot } from '../contract/snapshot.ts'
import { plural } from './figures.ts'
import { measureRoom } from './room.ts'

export type Work =
  | { readonly kind: 'none' }
  /** The AI Engine serves and does not tell whom. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'agents'; readonly busy: number; readonly waiting: number }

/** Of this Studio and the others, with those whom the Router has let through; without a serving AI Engine nobody is at work. */
export const measureWork = (snapshot: Snapshot): Work => {
  const room = measureRoom(snapshot)
  if (room === null) {
    return { kind: isServing(snapshot.services.llamaServer) ? 'unknown' : 'none' }
  }
  const { slots, free, waiting } = room
  const busy = slots - free
  return busy === 0 && waiting === 0 ? { kind: 'none' } : { kind: 'agents', busy, waiting }
}

/** A sentence on who is at work; null when nobody is. */
export const describeWork = (snapshot: Snapshot | null): string | null => {
  if (snapshot === null) return null
  const work = measureWork(snapshot)
  switch (work.kind) {
    case 'none':
      return null
    case 'unknown':
      return 'Whether agents are being answered is not known right now.'
    case 'agents': {
      const { busy, waiting } = work
      const queue =
        waiting === 0 ? '' : `, and ${plural(waiting, 'request')} ${waiting === 1 ? 'waits' : 'wait'}`
      return `${plural(busy, 'agent')} ${busy === 1 ? 'is' : 'are'} being answered${queue}.`
    }
  }
}
