// Whether this run of a service was ever ready: failures mean different things before and after, and the tail of a long log doesn't show which.
import type { ProbeResult } from './child-service.ts'

export interface SeenReady {
  /** The probe; remembers a ready answer. */
  readonly probe: (signal: AbortSignal) => Promise<ProbeResult>
  readonly current: () => boolean
  /** Call before each start. */
  readonly forget: () => void
}

export const rememberReady = (probe: (signal: AbortSignal) => Promise<ProbeResult>): SeenReady => {
  let seen = false
  return {
    probe: async (signal) => {
      const result = await probe(signal)
      if (result.state === 'ready') seen = true
      return result
    },
    current: () => seen,
    forget: () => {
      seen = false
    },
  }
}
