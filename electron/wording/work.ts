// The work that ending the servers interrupts: one judgement for window, tray menu and the question before quitting. Pure.

import { isServing } from '../contract/services.ts'
import type { Snapshot } from '../contract/snapshot.ts'
import { plural } from './figures.ts'
import { measureRoom } from './room.ts'

export type Work =
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
