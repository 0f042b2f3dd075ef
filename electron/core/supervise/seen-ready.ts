// Whether this run of a service was ever ready: failures mean different things before and after, and the tail of a long log doesn't show which.
import type { ProbeResult } from './child-service.ts'

export const rememberReady = (probe: (signal: AbortSignal) => Promise<ProbeResult>) => {
  let seen = false
  return {
    /** Remembers a ready answer. */
    probe: async (signal: AbortSignal) => {
      const result = await probe(signal)
      if (result.state === 'ready') seen = true
      return result
    },
    current: () => seen,
    /** Call before each start. */
    forget: () => {
      seen = false
    },
  }
}
