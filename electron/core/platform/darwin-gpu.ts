// Load and memory of a Mac's GPU, from `ioreg`. Tested only on recorded output so far.
import type { GpuUse } from './platform.ts'
import type { RunCommand } from './run-command.ts'

/**
 * Keys come in any order, and "In use system memory" is also the start of another key, "... (driver)", so match keys with their
 * quotes. Takes the load of the busiest accelerator and the memory of all. null when no accelerator reports anything.
 */
export const parseGpuUse = (output: string): GpuUse | null => {
  const blocks = [...output.matchAll(/"PerformanceStatistics"\s*=\s*\{([^}]*)\}/g)].map(
    ([, block]) => block ?? '',
  )
  const known = (key: string): readonly number[] =>
    blocks.flatMap((block) => {
      const value = new RegExp(`"${key}"\\s*=\\s*(\\d{1,15})(?![\\d.])`).exec(block)?.[1]
      return value === undefined ? [] : [Number(value)]
    })
  const percents = known('Device Utilization %').filter((percent) => percent <= 100)
  const bytes = known('In use system memory')
  if (percents.length === 0 && bytes.length === 0) return null
  return {
    busyPercent: percents.length === 0 ? null : Math.max(...percents),
    usedBytes: bytes.length === 0 ? null : bytes.reduce((sum, used) => sum + used, 0),
  }
}

export const readDarwinGpuUse = async (run: RunCommand): Promise<GpuUse | null> => {
  const result = await run(['ioreg', '-r', '-d', '1', '-w', '0', '-c', 'IOAccelerator'])
  return result.kind === 'exited' && result.exitCode === 0 ? parseGpuUse(result.stdout) : null
}
