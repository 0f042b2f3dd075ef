// The platform interface on Linux.

import { readLinuxLanAddresses } from './lan-addresses.ts'
import { createLinuxMemoryReader, readLinuxMeminfo } from './linux-memory.ts'
import { createLinuxProcessTable } from './linux-processes.ts'
import { createLinuxRamDisk, type LinuxRamDiskOptions } from './linux-ram-disk.ts'
import type { Platform } from './platform.ts'

export const createLinuxPlatform = (options: LinuxRamDiskOptions): Platform => ({
  id: 'linux',
  processes: createLinuxProcessTable(),
  ramDisk: createLinuxRamDisk(options),
  createMemoryReader: createLinuxMemoryReader,
  // Each GPU maker has its own tool; none is part of the system.
  readGpuUse: async () => null,
  readTotalMemoryBytes: async () => (await readLinuxMeminfo()).totalBytes,
  readLanAddresses: readLinuxLanAddresses,
  // Servers do not sleep by themselves, and a desktop asks its user for permission to inhibit sleep (systemd-inhibit(1),
  // polkit), which a user over SSH cannot answer. So this does nothing.
  keepAwakeWhile: async () => {},
})
