// Whether swapping is worth reporting: one limit for window, command line and notices.
import type { Memory } from '../contract/snapshot.ts'

/** A few pages now and then are harmless; this is a megabyte per second. */
const swappingBytesPerSecond = 1_000_000

/** In bytes per second; null: negligible, or unknown. */
export const readSwapping = ({ swapOutBytesPerSecond: rate }: Memory): number | null =>
  rate === null || rate < swappingBytesPerSecond ? null : rate
