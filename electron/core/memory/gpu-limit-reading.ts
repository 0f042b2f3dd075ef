// How much memory the GPU may hold on this machine: what somebody set, else what the device says of itself.
import type { Profile } from '../../contract/profile.ts'
import { createMetalLimitReader } from '../engine/metal-limit.ts'
import type { Platform } from '../platform/platform.ts'
import { locateLlamaServer } from '../setup/llama-server-search.ts'

export interface GpuLimitSurroundings {
  readonly platform: Pick<Platform, 'id' | 'createMemoryReader'>
  readonly resourcesDir: string
  readonly runtimeDir: string
  /** What somebody set (iogpu.wired_limit_mb); read anew when absent, since a reboot takes it back. */
  readonly readSetLimit?: () => Promise<number | null>
}

/** Bytes; null where nothing tells, which on a Mac leaves an estimate. */
export type ReadGpuLimit = (profile: Pick<Profile, 'llamaServer'>) => Promise<number | null>

export const createGpuLimitReading = ({
  platform,
  resourcesDir,
  runtimeDir,
  readSetLimit,
}: GpuLimitSurroundings): ReadGpuLimit => {
  const readMemory = platform.createMemoryReader()
  const readSet = readSetLimit ?? (async () => (await readMemory()).gpuLimitBytes)
  const askDevice = createMetalLimitReader(platform.id)
  return async ({ llamaServer }) => {
    const set = await readSet().catch(() => null)
    if (set !== null || platform.id !== 'darwin') return set
    const binary = locateLlamaServer({ configuredPath: llamaServer.binaryPath, resourcesDir, runtimeDir })
    return binary === null ? null : askDevice(binary.path)
  }
}
