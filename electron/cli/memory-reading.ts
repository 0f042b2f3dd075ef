// The memory plan of a profile on this machine, and what a running llama-server really allocated.
import { isDeepStrictEqual } from 'node:util'
import type { Profile } from '../contract.ts'
import { readAllocations } from '../core/allocation-record.ts'
import { isSameProcess } from '../core/child-process.ts'
import { readIntent } from '../core/intent.ts'
import { identityOf, nameProcess, openLedger } from '../core/ledger.ts'
import { comparePlan, type PlanDifference } from '../core/memory-plan/compare-plan.ts'
import { type MemoryPlanReading, readMemoryPlan } from '../core/stack-plan.ts'
import type { CliContext } from './context.ts'
import { renderPlanText } from './view/plan-view.ts'

export interface PlannedMachine {
  readonly totalMemoryBytes: number
  /** null: not set by anybody, or not known. */
  readonly gpuLimitBytes: number | null
}

/** What is sold as "256 GB" has 256 GiB (hw.memsize 274877906944). */
const gibibyte = 1024 ** 3

/** @param memoryGb plan for a machine of that size; null: for this one */
export const readMachine = async (
  memoryGb: number | null,
  { platform }: CliContext,
): Promise<PlannedMachine> =>
  memoryGb === null
    ? {
        totalMemoryBytes: await platform.readTotalMemoryBytes(),
        gpuLimitBytes: (await platform.createMemoryReader()()).gpuLimitBytes,
      }
    : { totalMemoryBytes: memoryGb * gibibyte, gpuLimitBytes: null }

export const readMemory = (
  context: CliContext,
  profileName: string,
  profile: Profile,
  machine: PlannedMachine,
): Promise<MemoryPlanReading> =>
  readMemoryPlan({ profileName, profile, platform: context.platform.id, ...machine })

export const renderMemoryReading = (memory: MemoryPlanReading, context: CliContext): readonly string[] =>
  memory.kind === 'planned'
    ? renderPlanText(memory.plan, context)
    : [`Memory: not known, since ${memory.reason}`]

/** The plan against the llama-server that runs; null when none runs with these settings, or it did not say. */
export const readDifferences = async (
  { folder, platform }: CliContext,
  profile: Profile,
  memory: MemoryPlanReading,
): Promise<readonly PlanDifference[] | null> => {
  const intent = readIntent(folder.intentPath)
  const entry = openLedger(folder.ledgerPath).find('llamaServer')
  if (memory.kind !== 'planned' || entry === null) return null
  if (!isDeepStrictEqual(intent?.profile.llamaServer, profile.llamaServer)) return null
  if (!(await isSameProcess(identityOf(entry), platform.processes))) return null
  const allocations = readAllocations(folder.allocationsPath, nameProcess(entry))
  return allocations === null ? null : comparePlan(memory.plan, allocations)
}
