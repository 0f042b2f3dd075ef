// Whether so much is swapped out that a person should know: one limit for the window, the command line and the notices.
import type { Memory } from '../contract/snapshot.ts'

/** A few pages now and then are no strain: this is a megabyte every second. */
const swappingBytesPerSecond = 1_000_000

/** In bytes per second; null: so little that it does not matter, or not told. */
export const readSwapping = ({ swapOutBytesPerSecond: rate }: Memory): number | null =>
  rate === null || rate < swappingBytesPerSecond ? null : rate
