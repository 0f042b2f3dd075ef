// The memory plan of a profile on this machine, and what a running llama-server really allocated.

import { isDeepStrictEqual } from 'node:util'
import type { Profile } from '../../contract/profile.ts'
import { ensureEngineKey } from '../access/keys.ts'
import { ensureStateFolder, type StateFolder } from '../config/state-folder.ts'
import { doesNotRestoreText, readDoesNotRestore } from '../engine/parked-verdict.ts'
import { keepsSlots } from '../engine/slot-cache.ts'
import { howToWire, ramDiskSpec } from '../forge/ram-disk-service.ts'
import { readAllocations } from '../memory/allocations.ts'
import { createGpuLimitReading } from '../memory/gpu-limit.ts'
import { comparePlan, type PlanDifference } from '../memory/memory-map.ts'
import {
  type EnginePlan,
  type MemoryPlanReading,
  readEnginePlan,
  readMemoryPlan,
} from '../memory/stack-plan.ts'
import type { Platform, RamDiskSpec } from '../platform/platform.ts'
import { locateLlamaServer } from '../setup/llama-server-search.ts'
import { identityOf, nameProcess, openLedger } from '../supervise/ledger.ts'
import { isSameProcess } from '../supervise/life-look.ts'
import { readIntent } from './intent.ts'

export interface PlanSurroundings {
  readonly folder: StateFolder
  readonly platform: Platform
  readonly resourcesDir: string
}

export interface PlannedMachine {
  readonly totalMemoryBytes: number
  /** null when unknown. */
  readonly gpuLimitBytes: number | null
}

/** A Mac sold with "256 GB" has 256 GiB (hw.memsize 274877906944). */
const gibibyte = 1024 ** 3

/** @param memoryGb a planned machine's memory; null: this machine */
export const readMachine = async (
  memoryGb: number | null,
  { folder, platform, resourcesDir }: PlanSurroundings,
  profile: Profile,
): Promise<PlannedMachine> => {
  if (memoryGb !== null) return { totalMemoryBytes: memoryGb * gibibyte, gpuLimitBytes: null }
  const readGpuLimit = createGpuLimitReading({ platform, resourcesDir, runtimeDir: folder.runtimeDir })
  return {
    totalMemoryBytes: await platform.readTotalMemoryBytes(),
    gpuLimitBytes: await readGpuLimit(profile),
  }
}

export const readMemory = async (
  { platform }: Pick<PlanSurroundings, 'platform'>,
  profileName: string,
  profile: Profile,
  machine: PlannedMachine,
): Promise<MemoryPlanReading> => {
  const reading = await readMemoryPlan({ profileName, profile, platform: platform.id, ...machine })
  if (reading.kind !== 'planned' || platform.id !== 'darwin') return reading
  const lines = reading.plan.lines.map((line) =>
    line.id === 'ramDisk' ? { ...line, note: sayPageable(line.note, ramDiskSpec(profile, platform)) } : line,
  )
  return { ...reading, plan: { ...reading.plan, lines } }
}

const sayPageable = (note: string | null, spec: RamDiskSpec): string =>
  [note, `a plain ram:// disk can be compressed and swapped. ${howToWire(spec)}`]
    .filter((part) => part !== null)
    .join('; ')

/**
 * Creates the key file that the command line names, so that the command shown can be run.
 * @param assumeBuild plan for a build with known flags when none is installed
 */
export const readEngine = async (
  { folder, platform, resourcesDir }: PlanSurroundings,
  profileName: string,
  profile: Profile,
  machine: PlannedMachine,
  { assumeBuild }: { readonly assumeBuild: boolean } = { assumeBuild: false },
): Promise<EnginePlan> => {
  ensureStateFolder(folder)
  const plan = await readEnginePlan({
    profileName,
    profile,
    platform: platform.id,
    ...machine,
    assumeBuild,
    resourcesDir,
    apiKeyPath: ensureEngineKey(folder.keysDir).path,
    parkedDir: folder.parkedDir,
    locateBinary: () =>
      locateLlamaServer({
        configuredPath: profile.llamaServer.binaryPath,
        resourcesDir,
        runtimeDir: folder.runtimeDir,
      }),
  })
  return keepsSlots(profile) && readDoesNotRestore(folder)
    ? { ...plan, warnings: [...plan.warnings, `With what runs now, ${doesNotRestoreText}.`] }
    : plan
}

/** The plan against the running llama-server; null when none runs with these settings, or it did not log allocations. */
export const readDifferences = async (
  { folder, platform }: Pick<PlanSurroundings, 'folder' | 'platform'>,
  profile: Profile,
  memory: MemoryPlanReading,
): Promise<readonly PlanDifference[] | null> => {
  const entry = openLedger(folder.ledgerPath).find('llamaServer')
  if (memory.kind !== 'planned' || entry === null) return null
  if (!isDeepStrictEqual(readIntent(folder.intentPath)?.profile.llamaServer, profile.llamaServer)) return null
  if (!(await isSameProcess(identityOf(entry), platform.processes))) return null
  const allocations = readAllocations(folder.allocationsPath, nameProcess(entry))
  return allocations === null ? null : comparePlan(memory.plan, allocations)
}
