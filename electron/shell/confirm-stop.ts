// The question before a stop that interrupts agents. Pure.
import type { AppState } from '../contract/app.ts'
import type { Command } from '../contract/command.ts'
import { hostOf } from '../contract/guest-rights.ts'
import { describeWork } from '../wording/work.ts'

/** The question before a stop; null: none needed. One careless click never stops another user's stack. */
export const describeInterruption = (state: AppState): string | null => {
  const host = hostOf(state)
  const work = describeWork(state.snapshot)
  if (host === null) return work
  return `This is ${host}’s stack.${work === null ? '' : ` ${work}`}`
}

/** A start interrupts no agent. */
export const interrupts = (command: Command): boolean =>
  (command.type === 'stop' || command.type === 'restart') && command.only !== 'ramDisk'
