// What is said before agents that are being answered are stopped; null when nobody is. Pure.
import type { AppState, Command, Snapshot } from '../contract.ts'
import { plural } from '../figures.ts'
import { hostOf } from '../guest-rights.ts'
import { measureRoom } from '../room.ts'

/** A sentence on who is at work; null when nobody is, or when it is not known. */
export const describeWork = (snapshot: Snapshot | null): string | null => {
  const room = snapshot === null ? null : measureRoom(snapshot)
  if (room === null) return null
  const busy = room.slots - room.free
  if (busy === 0 && room.waiting === 0) return null
  const waiting =
    room.waiting === 0
      ? ''
      : `, and ${plural(room.waiting, 'request')} ${room.waiting === 1 ? 'waits' : 'wait'}`
  return `${plural(busy, 'agent')} ${busy === 1 ? 'is' : 'are'} being answered${waiting}.`
}

/** What is said before a stop; null: it needs no question. Another user's stack is never stopped by one careless click. */
export const describeInterruption = (state: AppState): string | null => {
  const host = hostOf(state)
  const work = describeWork(state.snapshot)
  if (host === null) return work
  return `This is ${host}’s stack.${work === null ? '' : ` ${work}`}`
}

/** A start interrupts nobody. */
export const interrupts = (command: Command): boolean =>
  (command.type === 'stop' || command.type === 'restart') && command.only !== 'ramDisk'
