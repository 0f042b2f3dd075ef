// What is said before agents that are being answered are stopped; null when nobody is. Pure.
import type { Command, Snapshot } from '../contract.ts'
import { plural } from '../figures.ts'
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

/** A start interrupts nobody. */
export const interrupts = (command: Command): boolean =>
  (command.type === 'stop' || command.type === 'restart') && command.only !== 'ramDisk'
