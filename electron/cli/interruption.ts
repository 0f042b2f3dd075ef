// Interrupts a command that has to clean up after itself.
import type { CliContext } from './context.ts'

/** SIGHUP: the terminal was closed, or the SSH connection broke. */
const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Aborts on a signal, or when the reader of the output goes away. Handles every signal until `end`: an impatient second
 * Ctrl-C must not leave a stack behind.
 * @param reason the error message of the aborted work
 */
export const createInterruption = (reason: string, { onOutputLost }: Pick<CliContext, 'onOutputLost'>) => {
  const stop = new AbortController()
  const interrupt = () => stop.abort(new Error(reason))
  for (const signal of endingSignals) process.on(signal, interrupt)
  const forgetOutput = onOutputLost(interrupt)
  return {
    signal: stop.signal,
    /** Gives signals their default effect again. */
    end: () => {
      forgetOutput()
      for (const signal of endingSignals) process.off(signal, interrupt)
    },
  }
}
