// How fast bytes come, and how long the rest takes. Pure but for the clock that it is given.

export interface TransferRate {
  add(doneBytes: number): void
  /** Bytes per second over the last seconds; null until that can be said. */
  read(): number | null
  reset(): void
}

/** Long enough to be steady on a line that comes in bursts, short enough to show that it has stalled. */
const windowMs = 10_000
const sampleMs = 250
const leastMs = 1_000

/** @param now ms of a clock that is never set */
export const createTransferRate = (now: () => number = () => performance.now()): TransferRate => {
  let samples: { readonly at: number; readonly bytes: number }[] = []
  let lastBytes = 0
  return {
    add: (doneBytes) => {
      const at = now()
      lastBytes = doneBytes
      const last = samples.at(-1)
      if (last !== undefined && at - last.at < sampleMs) return
      samples = [...samples.filter((sample) => at - sample.at <= windowMs), { at, bytes: doneBytes }]
    },
    read: () => {
      const first = samples.find((sample) => now() - sample.at <= windowMs)
      if (first === undefined) return samples.length === 0 ? null : 0
      const passedMs = now() - first.at
      return passedMs < leastMs ? null : ((lastBytes - first.bytes) / passedMs) * 1000
    },
    reset: () => {
      samples = []
    },
  }
}
