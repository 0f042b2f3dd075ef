// The platform interface on macOS. It has never run on a Mac: its tests use recorded output.
import { readDarwinGpuUse } from './darwin-gpu.ts'
import { createDarwinMemoryReader, readDarwinTotalBytes } from './darwin-memory.ts'
import { readDarwinLanAddresses } from './darwin-network.ts'
import { createDarwinProcessTable } from './darwin-processes.ts'
import { createDarwinRamDisk, type DarwinRamDiskOptions } from './darwin-ram-disk.ts'
import { createDetachedStarter, keepDarwinAwakeWhile, type StartDetached } from './darwin-wakefulness.ts'
import type { Platform } from './platform.ts'
import { createCommandRunner } from './run-command.ts'

export interface DarwinPlatformOptions extends Partial<DarwinRamDiskOptions> {
  readonly startDetached?: StartDetached
}

export const createDarwinPlatform = (options: DarwinPlatformOptions = {}): Platform => {
  const run = options.run ?? createCommandRunner()
  const startDetached = options.startDetached ?? createDetachedStarter()
  return {
    id: 'darwin',
    processes: createDarwinProcessTable(run),
    ramDisk: createDarwinRamDisk({ ...options, run }),
    createMemoryReader: () => createDarwinMemoryReader(run),
    readGpuUse: () => readDarwinGpuUse(run),
    readTotalMemoryBytes: () => readDarwinTotalBytes(run),
    readLanAddresses: () => readDarwinLanAddresses(run),
    keepAwakeWhile: (pid) => keepDarwinAwakeWhile(run, startDetached, pid),
  }
}
