// How much memory the GPU may use: the configured limit, else the device's own, else Metal's default as an estimate.
import type { Profile } from '../../contract/profile.ts'
import { createMetalLimitReader } from '../engine/metal-limit.ts'
import type { Platform } from '../platform/platform.ts'
import { locateLlamaServer } from '../setup/llama-server-search.ts'
import type { PlanInput } from './tally.ts'

/** Sizes up to this get two thirds, larger ones three quarters. */
const smallMachineBytes = 36 * 1024 ** 3

/**
 * Reported recommendedMaxWorkingSetSize: 5.3 of 8, 10.7 of 16 and 21.3 of 32 GiB (2/3), 384 of 512 GiB (3/4), 107.5 of
 * 128 GiB on macOS 26 (ollama#17367). The share varies, so this is on the low side and must be shown as an estimate.
 */
export const estimateGpuLimitBytes = (totalBytes: number): number =>
  Math.floor(totalBytes <= smallMachineBytes ? (totalBytes * 2) / 3 : (totalBytes * 3) / 4)

/** @param isMac only a Mac has a limit to estimate */
export const planMachine = (
  { totalBytes, gpuLimitBytes }: { readonly totalBytes: number; readonly gpuLimitBytes: number | null },
  isMac: boolean,
): PlanInput['machine'] =>
  gpuLimitBytes === null && isMac
    ? { totalBytes, gpuLimitBytes: estimateGpuLimitBytes(totalBytes), gpuLimitIsEstimate: true }
    : { totalBytes, gpuLimitBytes }

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
