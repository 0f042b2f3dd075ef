// Readings that several checks share; each is taken once, on first use.

import { join } from 'node:path'
import type { Memory, RamDisk, Snapshot } from '../../contract/snapshot.ts'
import { within } from '../base/deadline.ts'
import { messageOf } from '../base/error-message.ts'
import { attachToCore } from '../control/client.ts'
import { ramDiskSpec } from '../forge/ram-disk-service.ts'
import { type HeaderReading, readHeaderOrReason } from '../gguf/gguf-header.ts'
import { createGpuLimitReading } from '../memory/gpu-limit-reading.ts'
import {
  type EnginePlan,
  type MemoryPlanReading,
  readEnginePlan,
  readMemoryPlan,
} from '../memory/stack-plan.ts'
import type { RamDiskBacking, RamDiskSpec } from '../platform/platform.ts'
import { locateLlamaServer } from '../setup/llama-server-search.ts'
import { readLiveServices } from '../stack/live-services.ts'
import type { LedgerEntry } from '../supervise/ledger.ts'
import { type DoctorContext, once } from './check.ts'

export type CoreReading =
  | { readonly kind: 'none' }
  | { readonly kind: 'attached'; readonly snapshot: Snapshot }
  /** Its socket is open, but it did not answer. */
  | { readonly kind: 'silent' }
  | { readonly kind: 'strange'; readonly reason: string }

export interface DoctorFacts {
  readonly spec: RamDiskSpec
  readonly core: () => Promise<CoreReading>
  /** Our live services, with or without a core. */
  readonly running: () => Promise<readonly LedgerEntry[]>
  readonly enginePlan: () => Promise<EnginePlan>
  readonly memoryPlan: () => Promise<MemoryPlanReading>
  readonly totalMemoryBytes: () => Promise<number>
  /** The configured limit, else the device's; null when neither is known. */
  readonly gpuLimitBytes: () => Promise<number | null>
  /** From two readings some time apart, so the rates are filled in. */
  readonly memory: () => Promise<Memory>
  readonly ramDisk: () => Promise<RamDisk>
  /** null when none is mounted, or when its holder is unknown. */
  readonly ramDiskBacking: () => Promise<RamDiskBacking | null>
  readonly modelHeader: () => Promise<HeaderReading>
  /** null when the profile has no draft model. */
  readonly draftHeader: () => Promise<HeaderReading | null>
  readonly lanAddresses: () => Promise<readonly string[]>
}

const betweenMemoryReadingsMs = 500
/** The core answers within 1.5 s even if a server behind it hangs. */
const coreAnswerMs = 2_000

export const createDoctorFacts = (context: DoctorContext): DoctorFacts => {
  const { folder, platform, resourcesDir, chosen } = context
  const { llamaServer } = chosen.profile
  const spec = ramDiskSpec(chosen.profile, platform)
  const readMemory = platform.createMemoryReader()
  const firstMemory = once(readMemory)
  const totalMemoryBytes = once(() => platform.readTotalMemoryBytes())
  const gpuLimitBytes = once(() =>
    createGpuLimitReading({ platform, resourcesDir, runtimeDir: folder.runtimeDir })(chosen.profile),
  )
  return {
    spec,
    core: once(() => readCore(folder.socketPath)),
    running: once(() => readLiveServices(folder, platform.processes)),
    enginePlan: once(async () =>
      readEnginePlan({
        profileName: chosen.name,
        profile: chosen.profile,
        platform: platform.id,
        totalMemoryBytes: await totalMemoryBytes(),
        gpuLimitBytes: null,
        assumeBuild: false,
        resourcesDir,
        // Only the path: the doctor creates no keys.
        apiKeyPath: join(folder.keysDir, 'engine.key'),
        parkedDir: folder.parkedDir,
        locateBinary: () =>
          locateLlamaServer({
            configuredPath: llamaServer.binaryPath,
            resourcesDir,
            runtimeDir: folder.runtimeDir,
          }),
      }),
    ),
    memoryPlan: once(async () =>
      readMemoryPlan({
        profileName: chosen.name,
        profile: chosen.profile,
        platform: platform.id,
        totalMemoryBytes: await totalMemoryBytes(),
        gpuLimitBytes: await gpuLimitBytes(),
      }),
    ),
    totalMemoryBytes,
    gpuLimitBytes,
    memory: once(async () => {
      await firstMemory()
      await new Promise((resolve) => setTimeout(resolve, betweenMemoryReadingsMs))
      return readMemory()
    }),
    ramDisk: once(() => platform.ramDisk.read(spec)),
    ramDiskBacking: once(() => platform.ramDisk.readBacking(spec)),
    modelHeader: once(() => readHeaderOrReason(llamaServer.modelPath)),
    draftHeader: once(async () =>
      llamaServer.draftModelPath === null ? null : readHeaderOrReason(llamaServer.draftModelPath),
    ),
    lanAddresses: once(() => platform.readLanAddresses()),
  }
}

const readCore = async (socketPath: string): Promise<CoreReading> => {
  try {
    const client = await attachToCore(socketPath)
    if (client === null) return { kind: 'none' }
    try {
      const snapshot = await within(client.readSnapshot(), coreAnswerMs)
      return snapshot === null ? { kind: 'silent' } : { kind: 'attached', snapshot }
    } finally {
      client.close()
    }
  } catch (error) {
    return { kind: 'strange', reason: messageOf(error) }
  }
}
