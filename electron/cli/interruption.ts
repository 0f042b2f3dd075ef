// What ends a command early that has to clean up after itself.

/** SIGHUP: its terminal was closed, or the SSH line broke. */
const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export interface Interruption {
  readonly signal: AbortSignal
  /** From here on a signal ends the process again. */
  end(): void
}

/**
 * Heard until `end`, however often it comes: an impatient second one must not leave a stack behind.
 * @param reason what the work that is aborted fails with
 */
export const createInterruption = (reason: string): Interruption => {
  const stop = new AbortController()
  const interrupt = () => stop.abort(new Error(reason))
  for (const signal of endingSignals) process.on(signal, interrupt)
  return {
    signal: stop.signal,
    end: () => {
      for (const signal of endingSignals) process.off(signal, interrupt)
    },
  }
}
