// Rates between two readings of counters: swapped-out bytes per second and CPU share.
import type { Memory } from '../../contract/snapshot.ts'

/** Any unit, as long as it is the same in both. */
export interface CpuTicks {
  readonly total: number
  readonly idle: number
}

export interface Counters {
  readonly atMs: number
  readonly swapOutPages: number | null
  readonly cpu: CpuTicks | null
}

/** null when no time passed between the readings, or when the counters went backwards (iowait does: proc_stat(5)). */
export const cpuPercentBetween = (before: CpuTicks, after: CpuTicks): number | null => {
  const total = after.total - before.total
  if (total <= 0) return null
  const percent = (100 * (total - (after.idle - before.idle))) / total
  return percent < 0 || percent > 100 ? null : percent
}

export const ratesBetween = (
  before: Counters | null,
  after: Counters,
  pageBytes: number | null,
): Pick<Memory, 'swapOutBytesPerSecond' | 'cpuPercent'> => {
  if (before === null) return { swapOutBytesPerSecond: null, cpuPercent: null }
  const seconds = (after.atMs - before.atMs) / 1000
  const pages =
    before.swapOutPages === null || after.swapOutPages === null
      ? null
      : after.swapOutPages - before.swapOutPages
  return {
    swapOutBytesPerSecond:
      pages === null || pages < 0 || pageBytes === null || seconds <= 0
        ? null
        : (pages * pageBytes) / seconds,
    cpuPercent: before.cpu === null || after.cpu === null ? null : cpuPercentBetween(before.cpu, after.cpu),
  }
}
