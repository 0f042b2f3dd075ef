// Memory, swap, pressure and CPU of a Linux machine.
import { readFile } from 'node:fs/promises'
import type { Memory } from '../../contract/snapshot.ts'
import { readProcNames, readProcText } from './linux-proc.ts'
import { type Counters, type CpuTicks, ratesBetween } from './memory-rates.ts'

export const readLinuxMeminfo = async (): Promise<Meminfo> => {
  const meminfo = parseMeminfo((await readProcText('/proc/meminfo')) ?? '')
  if (meminfo === null) throw new Error('/proc/meminfo does not report the available memory')
  return meminfo
}

/** Rates are between two readings of the same reader. Throws when /proc/meminfo is not understood. */
export const createLinuxMemoryReader = (): (() => Promise<Memory>) => {
  let before: Counters | null = null
  const pageBytes = readPageBytes()
  return async () => {
    const [meminfo, compressedBytes, pressure, counters] = await Promise.all([
      readLinuxMeminfo(),
      readZramBytes(),
      readProcText('/proc/pressure/memory'),
      readCounters(),
    ])
    const rates = ratesBetween(before, counters, await pageBytes)
    before = counters
    return {
      totalBytes: meminfo.totalBytes,
      // As in free(1) of procps 4: all memory that is not available. Includes the pages of a tmpfs.
      usedBytes: Math.max(0, meminfo.totalBytes - meminfo.availableBytes),
      availableBytes: meminfo.availableBytes,
      wiredBytes: null,
      compressedBytes: sumKnown([meminfo.zswapBytes, compressedBytes]),
      swapUsedBytes: Math.max(0, meminfo.swapTotalBytes - meminfo.swapFreeBytes),
      pressure: pressure === null ? null : parsePressure(pressure),
      gpuLimitBytes: null,
      ...rates,
    }
  }
}

const readCounters = async (): Promise<Counters> => {
  const [vmstat, stat] = await Promise.all([readProcText('/proc/vmstat'), readProcText('/proc/stat')])
  return {
    atMs: performance.now(),
    swapOutPages: vmstat === null ? null : parseSwapOutPages(vmstat),
    cpu: stat === null ? null : parseCpuTicks(stat),
  }
}

const readPageBytes = async (): Promise<number | null> => {
  try {
    return parsePageBytes(await readFile('/proc/self/auxv'))
  } catch {
    return null
  }
}

/** Swap on zram (Fedora's default) is compressed memory too, but /proc/meminfo does not count it. */
const readZramBytes = async (): Promise<number | null> => {
  const devices = ((await readProcNames('/sys/block')) ?? []).filter((name) => /^zram[0-9]+$/.test(name))
  const texts = await Promise.all(devices.map((name) => readProcText(`/sys/block/${name}/mm_stat`)))
  return sumKnown(texts.map((text) => (text === null ? null : parseZramUsedBytes(text))))
}

const sumKnown = (parts: readonly (number | null)[]): number | null => {
  const known = parts.filter((part) => part !== null)
  return known.length === 0 ? null : known.reduce((sum, part) => sum + part, 0)
}

export type Meminfo = Readonly<
  Record<'totalBytes' | 'availableBytes' | 'swapTotalBytes' | 'swapFreeBytes', number>
> & {
  /** null on kernels without zswap. */
  readonly zswapBytes: number | null
}

const readKib = (text: string, key: string): number | null => {
  const digits = new RegExp(`^${key}:\\s+([0-9]{1,20}) kB\\s*$`, 'm').exec(text)?.[1]
  return digits === undefined ? null : Number(digits) * 1024
}

/** null when an essential line is missing (MemAvailable: Linux 3.14 and later, proc_meminfo(5)). */
export const parseMeminfo = (text: string): Meminfo | null => {
  const totalBytes = readKib(text, 'MemTotal')
  const availableBytes = readKib(text, 'MemAvailable')
  const swapTotalBytes = readKib(text, 'SwapTotal')
  const swapFreeBytes = readKib(text, 'SwapFree')
  if (totalBytes === null || totalBytes === 0 || availableBytes === null) return null
  if (swapTotalBytes === null || swapFreeBytes === null) return null
  return { totalBytes, availableBytes, swapTotalBytes, swapFreeBytes, zswapBytes: readKib(text, 'Zswap') }
}

/** Pages written to swap since boot. */
export const parseSwapOutPages = (vmstat: string): number | null => {
  const digits = /^pswpout ([0-9]{1,20})$/m.exec(vmstat)?.[1]
  return digits === undefined ? null : Number(digits)
}

/**
 * The sum over all CPUs. Guest time is already part of user time, so add only the first eight columns (proc_stat(5)); kernels
 * before 2.6.11 have fewer columns, and the first four suffice.
 */
export const parseCpuTicks = (stat: string): CpuTicks | null => {
  const line = stat.split('\n').find((each) => each.startsWith('cpu '))
  const columns = line?.slice('cpu '.length).trim().split(/ +/).slice(0, 8) ?? []
  if (columns.length < 4 || !columns.every((digits) => /^[0-9]{1,20}$/.test(digits))) return null
  const fields = columns.map(Number)
  const total = fields.reduce((sum, ticks) => sum + ticks, 0)
  return { total, idle: (fields[3] ?? 0) + (fields[4] ?? 0) }
}

/**
 * Shares of time, in percent over ten seconds, in which some tasks (warn) or all of them (critical) stalled for lack of
 * memory. Both 5 %: GLib 2.86's memory monitor warns at the same two points, 100 ms of 2 s of "some" and of
 * "full" (gio/gmemorymonitorpsi.c). The kernel itself names no thresholds (Documentation/accounting/psi.rst).
 */
export const pressureThresholds = { warnSomePercent: 5, criticalFullPercent: 5 } as const

export const parsePressure = (text: string): NonNullable<Memory['pressure']> | null => {
  const average = (kind: string) => {
    const digits = new RegExp(`^${kind} avg10=([0-9]+\\.[0-9]+) `, 'm').exec(text)?.[1]
    return digits === undefined ? null : Number(digits)
  }
  const some = average('some')
  const full = average('full')
  if (some === null || full === null) return null
  if (full >= pressureThresholds.criticalFullPercent) return 'critical'
  return some >= pressureThresholds.warnSomePercent ? 'warn' : 'normal'
}

/** Memory that a zram device really uses: third column of mm_stat (Documentation/admin-guide/blockdev/zram.rst). */
export const parseZramUsedBytes = (mmStat: string): number | null => {
  const digits = /^\s*[0-9]+\s+[0-9]+\s+([0-9]{1,20})\s/.exec(mmStat)?.[1]
  return digits === undefined ? null : Number(digits)
}

/** AT_PAGESZ in the aux vector (getauxval(3)): pairs of 64-bit words. Node has no call for the page size. */
export const parsePageBytes = (auxv: Buffer): number | null => {
  const pageSizeTag = 6n
  for (let offset = 0; offset + 16 <= auxv.length; offset += 16) {
    const tag = auxv.readBigUInt64LE(offset)
    if (tag === 0n) return null
    if (tag !== pageSizeTag) continue
    const value = Number(auxv.readBigUInt64LE(offset + 8))
    return value >= 4096 && value <= 2 ** 20 ? value : null
  }
  return null
}
