// macOS behind the platform interface. Nothing of it has run on a Mac: it is driven by recorded output in its tests.
import { readDarwinGpuUse } from './darwin-gpu.ts'
import { createDarwinMemoryReader, readDarwinTotalBytes } from './darwin-memory.ts'
import { readDarwinLanAddresses } from './darwin-network.ts'
import { createDarwinProcessTable } from './darwin-processes.ts'
import { createDarwinRamDisk, type DarwinRamDiskOptions } from './darwin-ram-disk.ts'
import { createDetachedStarter, keepDarwinAwakeWhile } from './darwin-wakefulness.ts'
import type { Platform } from './platform.ts'
import { createCommandRunner } from './run-command.ts'

export const createDarwinPlatform = (options: Partial<DarwinRamDiskOptions> = {}): Platform => {
  const run = options.run ?? createCommandRunner()
  return {
    id: 'darwin',
    processes: createDarwinProcessTable(run),
    ramDisk: createDarwinRamDisk({ ...options, run }),
    createMemoryReader: () => createDarwinMemoryReader(run),
    readGpuUse: () => readDarwinGpuUse(run),
    readTotalMemoryBytes: () => readDarwinTotalBytes(run),
    readLanAddresses: () => readDarwinLanAddresses(run),
    keepAwakeWhile: (pid) => keepDarwinAwakeWhile(run, createDetachedStarter(), pid),
  }
}
