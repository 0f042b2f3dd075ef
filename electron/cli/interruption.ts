// What ends a command early that has to clean up after itself.
import type { CliContext } from './context.ts'

/** SIGHUP: its terminal was closed, or the SSH line broke. */
const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export interface Interruption {
  readonly signal: AbortSignal
  /** From here on a signal ends the process again. */
  end(): void
}

/**
 * A signal, or a reader of the output that went away. Heard until `end`, however often it comes: an impatient second one
 * must not leave a stack behind.
 * @param reason what the work that is aborted fails with
 */
export const createInterruption = (
  reason: string,
  { onOutputLost }: Pick<CliContext, 'onOutputLost'>,
): Interruption => {
  const stop = new AbortController()
  const interrupt = () => stop.abort(new Error(reason))
  for (const signal of endingSignals) process.on(signal, interrupt)
  const forgetOutput = onOutputLost(interrupt)
  return {
    signal: stop.signal,
    end: () => {
      forgetOutput()
      for (const signal of endingSignals) process.off(signal, interrupt)
    },
  }
}
