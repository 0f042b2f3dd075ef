// What is said before agents that are being answered are stopped; null when nobody is. Pure.
import type { AppState } from '../contract/app.ts'
import type { Command } from '../contract/command.ts'
import { hostOf } from '../contract/guest-rights.ts'
import { describeWork } from '../wording/work.ts'

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
