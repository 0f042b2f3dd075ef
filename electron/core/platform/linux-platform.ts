// Linux behind the platform interface.
import { createLinuxMemoryReader, readLinuxMeminfo } from './linux-memory.ts'
import { readLinuxLanAddresses } from './linux-network.ts'
import { createLinuxProcessTable } from './linux-processes.ts'
import { createLinuxRamDisk, type LinuxRamDiskOptions } from './linux-ram-disk.ts'
import type { Platform } from './platform.ts'

export const createLinuxPlatform = (options: LinuxRamDiskOptions): Platform => ({
  id: 'linux',
  processes: createLinuxProcessTable(),
  ramDisk: createLinuxRamDisk(options),
  createMemoryReader: createLinuxMemoryReader,
  // Each maker has a tool of its own; none belongs to the system.
  readGpuUse: async () => null,
  readTotalMemoryBytes: async () => (await readLinuxMeminfo()).totalBytes,
  readLanAddresses: readLinuxLanAddresses,
  // Servers do not sleep by themselves, and a desktop asks its user for the right to forbid it (systemd-inhibit(1),
  // polkit), which has no one to answer it over SSH. So nothing is held here.
  keepAwakeWhile: async () => {},
})
