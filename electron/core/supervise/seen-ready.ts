// Whether this run of a service was ever ready: the end of a long log doesn't show it, and a start and a service fail differently.
import type { ProbeResult } from './child-service.ts'

export interface SeenReady {
  /** The probe, with its answer remembered. */
  readonly probe: (signal: AbortSignal) => Promise<ProbeResult>
  readonly current: () => boolean
  /** To be called before each start. */
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
