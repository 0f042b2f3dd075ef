// What a supervisor does next, from what is wanted and what runs. Pure.
import type { Running } from './launch.ts'

export interface Standing {
  readonly desired: 'up' | 'down'
  readonly running: Running | null
  /** A stop began to end the running process and did not finish. */
  readonly isDoomed: boolean
}

export type Step =
  /** Ends what runs, if anything. */
  | { readonly kind: 'stop'; readonly running: Running | null }
  /** Ends what an earlier stop left: two processes of one service would fight over port and memory. */
  | { readonly kind: 'finish-stop'; readonly running: Running }
  | { readonly kind: 'launch' }
  /** Waits until it is ready, then until it ends. */
  | { readonly kind: 'watch'; readonly running: Running }

export const nextStep = ({ desired, running, isDoomed }: Standing): Step => {
  if (desired === 'down') return { kind: 'stop', running }
  if (running === null) return { kind: 'launch' }
  return { kind: isDoomed ? 'finish-stop' : 'watch', running }
}
