// Memory, swap, pressure and CPU of a Mac. Tested only on recorded output so far.
import { cpus } from 'node:os'
import type { Memory } from '../../contract/snapshot.ts'
import {
  parseGpuLimitBytes,
  parsePressureLevel,
  parseSwapUsedBytes,
  parseSysctl,
  parseVmStat,
  parseWholeNumber,
} from './darwin-memory-text.ts'
import { type Counters, type CpuTicks, ratesBetween } from './memory-rates.ts'
import type { CommandResult, RunCommand } from './run-command.ts'

/**
 * sysctl exits 1 when one key is unknown (iogpu.* on Intel) but still prints the others, so its exit status means
 * nothing.
 */
const stdoutOf = (result: CommandResult): string => (result.kind === 'exited' ? result.stdout : '')

export const readDarwinTotalBytes = async (run: RunCommand): Promise<number> => {
  const values = parseSysctl(stdoutOf(await run(['sysctl', 'hw.memsize'])))
  const totalBytes = parseWholeNumber(values.get('hw.memsize'))
  if (totalBytes === null || totalBytes === 0)
    throw new Error('sysctl hw.memsize does not report the memory size')
  return totalBytes
}

const keys = [
  'hw.memsize',
  'vm.swapusage',
  'kern.memorystatus_vm_pressure_level',
  'iogpu.wired_limit_mb',
] as const

/** Rates are between two readings of the same reader. Throws when the system's output is not understood. */
export const createDarwinMemoryReader = (run: RunCommand): (() => Promise<Memory>) => {
  let before: Counters | null = null
  return async () => {
    const [vmStatResult, sysctlResult] = await Promise.all([run(['vm_stat']), run(['sysctl', ...keys])])
    const vmStat = parseVmStat(stdoutOf(vmStatResult))
    if (vmStat === null) throw new Error('vm_stat printed output that was not understood')
    const values = parseSysctl(stdoutOf(sysctlResult))
    const totalBytes = parseWholeNumber(values.get('hw.memsize'))
    if (totalBytes === null) throw new Error('sysctl printed a memory size that was not understood')
    if (vmStat.usedBytes > totalBytes)
      throw new Error('vm_stat counts more memory in use than sysctl reports in all')
    const counters = { atMs: performance.now(), swapOutPages: vmStat.swapOutPages, cpu: readCpuTicks() }
    const rates = ratesBetween(before, counters, vmStat.pageBytes)
    before = counters
    return {
      totalBytes,
      usedBytes: vmStat.usedBytes,
      availableBytes: totalBytes - vmStat.usedBytes,
      wiredBytes: vmStat.wiredBytes,
      compressedBytes: vmStat.compressedBytes,
      swapUsedBytes: parseSwapUsedBytes(values.get('vm.swapusage')),
      pressure: parsePressureLevel(values.get('kern.memorystatus_vm_pressure_level')),
      gpuLimitBytes: parseGpuLimitBytes(values.get('iogpu.wired_limit_mb')),
      ...rates,
    }
  }
}

/** From host_processor_info, through Node: `top` and `iostat` need a second for the same. */
const readCpuTicks = (): CpuTicks | null => {
  const times = cpus().map((cpu) => cpu.times)
  if (times.length === 0) return null
  const total = times.reduce((sum, { user, nice, sys, idle, irq }) => sum + user + nice + sys + idle + irq, 0)
  return { total, idle: times.reduce((sum, { idle }) => sum + idle, 0) }
}
