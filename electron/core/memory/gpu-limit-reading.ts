// How much memory the GPU may use on this machine: the configured limit, else the device's own.
import type { Profile } from '../../contract/profile.ts'
import { createMetalLimitReader } from '../engine/llama-capabilities.ts'
import type { Platform } from '../platform/platform.ts'
import { locateLlamaServer } from '../setup/llama-server-search.ts'

export interface GpuLimitSurroundings {
  readonly platform: Pick<Platform, 'id' | 'createMemoryReader'>
  readonly resourcesDir: string
  readonly runtimeDir: string
  /** The configured limit (iogpu.wired_limit_mb). Absent: read each time, because a reboot resets it. */
  readonly readSetLimit?: () => Promise<number | null>
}

/** Bytes; null when unknown, and then a Mac gets an estimate. */
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
