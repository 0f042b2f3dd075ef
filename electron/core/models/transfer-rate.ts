// Measures the transfer rate over the last seconds. Pure except for the given clock.

export type TransferRate = ReturnType<typeof createTransferRate>

/** Long enough for a steady rate on a bursty connection, short enough to show a stall. */
const windowMs = 10_000
const sampleMs = 250
const leastMs = 1_000

/** @param now ms of a monotonic clock */
export const createTransferRate = (now: () => number = () => performance.now()) => {
  let samples: { readonly at: number; readonly bytes: number }[] = []
  let lastBytes = 0
  return {
    add: (doneBytes: number): void => {
      const at = now()
      lastBytes = doneBytes
      const last = samples.at(-1)
      if (last !== undefined && at - last.at < sampleMs) return
      samples = [...samples.filter((sample) => at - sample.at <= windowMs), { at, bytes: doneBytes }]
    },
    /** Bytes per second over the last seconds; null until measured long enough. */
    read: (): number | null => {
      const first = samples.find((sample) => now() - sample.at <= windowMs)
      if (first === undefined) return samples.length === 0 ? null : 0
      const passedMs = now() - first.at
      return passedMs < leastMs ? null : ((lastBytes - first.bytes) / passedMs) * 1000
    },
    reset: (): void => {
      samples = []
    },
  }
}
