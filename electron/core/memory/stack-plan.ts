// Plans what would start and whether it fits: the command lines with their reasons, and the memory plan.

import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { MemoryPlan } from '../../contract/memory-plan.ts'
import type { Profile } from '../../contract/profile.ts'
import type { PlanAnswer } from '../../contract/question.ts'
import { messageOf } from '../base/error-message.ts'
import { whyNoPool } from '../config/kv-sharing.ts'
import { readChatTemplateChoice } from '../engine/chat-template.ts'
import { planLlamaArgv } from '../engine/llama-argv.ts'
import {
  type CapabilityReading,
  type LlamaPlatform,
  readLlamaCapabilities,
} from '../engine/llama-capabilities.ts'
import { parseLlamaHelp } from '../engine/llama-help.ts'
import { explainSeedFlags, type SeedFlagUse, seedArgv } from '../engine/seed-line.ts'
import { effectivePromptCacheMiB, slotCacheOf } from '../engine/slot-cache.ts'
import { type GgufHeader, readGgufHeader, readProjectorBytes } from '../gguf/gguf-header.ts'
import type { FoundLlamaServer } from '../setup/llama-server-search.ts'
import { planMachine } from './gpu-limit.ts'
import { planMemory } from './memory-plan.ts'
import { plannedServer } from './planned-server.ts'
import { reservesFor, studioSeedMap } from './reserves.ts'

export type EnginePlan = PlanAnswer['engine'] & {
  readonly binary: FoundLlamaServer | null
  /** The build whose flags stand in for a llama-server that isn't installed yet; null when a real one was asked. */
  readonly assumedBuild: string | null
  /** The owner's line, unchanged from the start script. */
  readonly seedArgv: readonly string[]
  /** The flags that our line shares with the owner's, and what each is for. */
  readonly seedFlags: readonly SeedFlagUse[]
}

export type MemoryPlanReading =
  | { readonly kind: 'planned'; readonly plan: MemoryPlan }
  /** `missing`: a model file is not here (yet). `unusable`: it is here, but llama-server can't serve it. */
  | { readonly kind: 'unknown'; readonly reason: string; readonly files: 'missing' | 'unusable' }

export interface PlanContext {
  readonly profileName: string
  readonly profile: Profile
  readonly platform: LlamaPlatform
  readonly totalMemoryBytes: number
  readonly gpuLimitBytes: number | null
  readonly apiKeyPath: string
  readonly parkedDir: string
  readonly resourcesDir: string
  readonly locateBinary: () => FoundLlamaServer | null
  /** If no llama-server is installed, plan for a build with known flags. */
  readonly assumeBuild: boolean
}

export const readEnginePlan = async (context: PlanContext): Promise<EnginePlan> => {
  const profile = context.profile.llamaServer
  const binary = context.locateBinary()
  const unplanned = (problems: readonly string[], version: string | null = null): EnginePlan => ({
    binary,
    version,
    assumedBuild: null,
    seedArgv,
    argv: null,
    seedFlags: [],
    adaptations: [],
    warnings: [],
    problems,
  })
  const reading: CapabilityReading =
    binary === null
      ? await readAssumedCapabilities(context)
      : await readLlamaCapabilities(binary.path, context.platform)
  if (reading.kind === 'failed') return unplanned([reading.reason])
  const { capabilities } = reading
  const chatTemplate = await readChatTemplateChoice(profile, context.resourcesDir).catch(messageOf)
  if (typeof chatTemplate === 'string') return unplanned([chatTemplate], capabilities.version)
  const plan = planLlamaArgv({
    profile,
    capabilities,
    apiKeyPath: context.apiKeyPath,
    binaryPath: binary?.path ?? 'llama-server',
    chatTemplate,
    slotCache: slotCacheOf(context.profile, context.parkedDir),
  })
  if (plan.kind === 'impossible') return unplanned(plan.reasons, capabilities.version)
  return {
    binary,
    version: capabilities.version,
    assumedBuild: binary === null ? assumedBuild : null,
    seedArgv,
    argv: plan.argv,
    seedFlags: explainSeedFlags(plan.argv, plan.adaptations),
    adaptations: plan.adaptations,
    warnings: plan.warnings,
    problems: [],
  }
}

const notInstalled = 'llama-server is not installed: nexus up installs it, or says how'

/** The newest build with recorded flags. */
const assumedBuild = 'b10434'

/** For a plan before anything is installed, on request: the recorded `--help` of one build. */
const readAssumedCapabilities = async ({
  resourcesDir,
  assumeBuild,
}: Pick<PlanContext, 'resourcesDir' | 'assumeBuild'>): Promise<CapabilityReading> => {
  if (!assumeBuild) return { kind: 'failed', reason: notInstalled }
  const help = await readFile(join(resourcesDir, 'llama-help', `${assumedBuild}.txt`), 'utf8')
  const capabilities = parseLlamaHelp(help)
  return capabilities === null
    ? { kind: 'failed', reason: notInstalled }
    : { kind: 'capabilities', capabilities }
}

/** Reads only the model files' headers: a 75 GB file takes milliseconds. */
export const readMemoryPlan = async (
  context: Pick<PlanContext, 'profileName' | 'profile' | 'totalMemoryBytes' | 'gpuLimitBytes' | 'platform'>,
): Promise<MemoryPlanReading> => {
  const { llamaServer, ramDisk } = context.profile
  const draftPath = llamaServer.speculation === 'draft-simple' ? llamaServer.draftModelPath : null
  // The studio is a Mac, even when planned on Linux.
  const isSeedMachine = context.profileName === 'studio'
  try {
    const target = await readGgufHeader(llamaServer.modelPath)
    const draft: GgufHeader | null = draftPath === null ? null : await readGgufHeader(draftPath)
    const server = plannedServer(
      { ...llamaServer, promptCacheMiB: effectivePromptCacheMiB(context.profile) },
      target.trainingContextTokens,
    )
    const plan = planMemory(
      {
        target,
        draft,
        projectorBytes: server.projectorPath === null ? null : await readProjectorBytes(server.projectorPath),
        server,
        ramDiskBytes: ramDisk.sizeMiB * 1_048_576,
        machine: planMachine(
          { totalBytes: context.totalMemoryBytes, gpuLimitBytes: context.gpuLimitBytes },
          context.platform === 'darwin' || isSeedMachine,
        ),
        reserves: reservesFor(context.totalMemoryBytes),
        whyNoPool: whyNoPool(context.profile),
        parking: slotCacheOf(context.profile, '')?.parked ?? null,
      },
      isSeedMachine ? studioSeedMap : null,
    )
    return { kind: 'planned', plan }
  } catch (error) {
    const paths = [llamaServer.modelPath, ...(draftPath === null ? [] : [draftPath])]
    if (paths.every(existsSync)) return { kind: 'unknown', reason: messageOf(error), files: 'unusable' }
    // One is still to be fetched; the other may be here but unusable.
    const fault = await findFault(paths.filter(existsSync))
    return fault === null
      ? { kind: 'unknown', reason: messageOf(error), files: 'missing' }
      : { kind: 'unknown', reason: fault, files: 'unusable' }
  }
}

/** The problem of the first unusable model file; null: all are usable. */
const findFault = async (paths: readonly string[]): Promise<string | null> => {
  for (const path of paths) {
    const fault = await readGgufHeader(path).then(() => null, messageOf)
    if (fault !== null) return fault
  }
  return null
}
