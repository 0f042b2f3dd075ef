// Swap in words, and whether swapping is worth reporting: one limit for window, command line and notices.
import type { Memory } from '../contract/snapshot.ts'
import { formatBytes } from './figures.ts'

/** A few pages now and then are harmless; this is a megabyte per second. */
const swappingBytesPerSecond = 1_000_000

/** In bytes per second; null: negligible, or unknown. */
export const readSwapping = ({ swapOutBytesPerSecond: rate }: Memory): number | null =>
  rate === null || rate < swappingBytesPerSecond ? null : rate

export const describeSwap = (memory: Memory): string => {
  const rate = readSwapping(memory)
  if (rate !== null) return `swapping ${formatBytes(Math.round(rate))}/s`
  if (memory.swapUsedBytes === null) return 'swap not known'
  return memory.swapUsedBytes === 0 ? 'no swap' : `swap ${formatBytes(memory.swapUsedBytes)}`
}
