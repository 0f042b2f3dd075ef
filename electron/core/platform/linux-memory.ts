// Memory, swap, pressure and CPU of a Linux machine.
import { readFile } from 'node:fs/promises'
import type { Memory } from '../../contract/snapshot.ts'
import {
  type Meminfo,
  parseCpuTicks,
  parseMeminfo,
  parsePageBytes,
  parsePressure,
  parseSwapOutPages,
  parseZramUsedBytes,
} from './linux-memory-text.ts'
import { readProcNames, readProcText } from './linux-proc.ts'
import { type Counters, ratesBetween } from './memory-rates.ts'

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
