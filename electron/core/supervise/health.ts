// The health of a serving process: ready, or degraded after several bad answers.
import type { ProbeResult } from './child-service.ts'
import type { PhaseRecord } from './phase-record.ts'

/** A single slow answer is not an outage. */
const missesUntilDegraded = 2

export const createHealth = ({ phase, detail, isServing, enter }: PhaseRecord) => {
  let misses = 0
  return {
    becomeReady: () => {
      misses = 0
      enter('ready')
    },
    /** The probe of a process; without effect unless it serves. */
    report: (result: ProbeResult): void => {
      if (!isServing()) return
      misses = result.state === 'ready' ? 0 : misses + 1
      if (result.state === 'ready') {
        if (phase() === 'degraded') enter('ready')
      } else if (misses >= missesUntilDegraded && detail().reason !== result.detail) {
        // Also the first time, because a service that is ready has no reason.
        enter('degraded', { reason: result.detail })
      }
    },
  }
}
