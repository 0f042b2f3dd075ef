// Judges the catalogue's models for a machine: whether each fits, the context per agent, and its published speed. Uses the
// memory plan and the headers. Pure.
import type { Profile, ProfileOverride } from '../../contract/profile.ts'
import { formatBytes, gibibyte, mebibyte } from '../base/format-bytes.ts'
import { applyOverride } from '../config/config.ts'
import { settleKvSharing, whyNoPool } from '../config/kv-sharing.ts'
import { effectivePromptCacheMiB } from '../engine/slot-cache.ts'
import type { GgufHeader } from '../gguf/gguf-header.ts'
import { planMachine } from '../memory/gpu-limit.ts'
import { findLargestContext, headroomShare } from '../memory/largest-context.ts'
import { plannedServer } from '../memory/planned-server.ts'
import { reservesFor } from '../memory/reserves.ts'
import { judgeTally, type PlanInput, tallyPlan } from '../memory/tally.ts'
import type { CatalogueModel } from './catalogue.ts'

export interface JudgedMachine {
  readonly totalBytes: number
  /** null: estimated on a Mac, none elsewhere. */
  readonly gpuLimitBytes: number | null
  /** Other machines are assumed to have no GPU. */
  readonly isMac: boolean
}

export interface ModelFiles {
  readonly model: CatalogueModel
  /** The first of its files; null: not all of them are here. */
  readonly path: string | null
  /** From the local file, else from the catalogue; null: unknown, and `whyNoHeader` says why. */
  readonly header: GgufHeader | null
  readonly whyNoHeader: string | null
}

export interface JudgedModel {
  readonly model: CatalogueModel
  readonly path: string | null
  readonly fit: 'fits' | 'does-not-fit' | 'unknown'
  /** Why it doesn't fit or is unknown; null when it fits. */
  readonly why: string | null
  /** Including all reserves, the smallest context and the headroom; null when it fits or is unknown. */
  readonly neededBytes: number | null
  /** The pool that all agents share; null when none fits. */
  readonly contextTokens: number | null
  /** Each agent's share when all are full. */
  readonly tokensPerAgent: number | null
  /** At the published rate of the published machine; null when unknown. */
  readonly firstTurnSeconds: number | null
  readonly generationTokensPerSecond: number | null
}

/** Size of Claude Code's first request: 21,000 to 30,000 tokens were measured. */
export const firstTurnTokens = 20_000

/** Below this, Claude Code compacts endlessly: its first request alone takes most of it. */
const workableTokens = 32_768

/** The share in the seed's map, 64 of 256 GiB, and at most 64 GiB. */
const ramDiskMiB = (totalBytes: number): number =>
  Math.max(256, Math.floor(Math.min(64 * gibibyte, totalBytes / 4) / mebibyte))

/** The changes to `studio` in a profile for one model. */
export const overrideFor = (
  { model, path }: Pick<ModelFiles, 'model' | 'path'>,
  draftPath: string | null,
  { agents, contextTokens, machine }: { agents: number; contextTokens: number; machine: JudgedMachine },
): ProfileOverride => {
  // Without a GPU a quantised cache reads a prompt 3 to 8 times slower (measured, llama-argv.ts).
  const cacheType = machine.isMac ? model.cacheType : 'f16'
  return {
    extends: 'studio',
    llamaServer: {
      modelPath: path ?? `/${model.id}.gguf`,
      draftModelPath: draftPath,
      alias: model.id,
      slots: agents,
      contextTokens,
      gpuLayers: machine.isMac ? 99 : 0,
      cacheTypeK: cacheType,
      cacheTypeV: cacheType,
      draftCacheTypeK: cacheType,
      draftCacheTypeV: cacheType,
      speculation: model.draft !== null && draftPath === null ? 'none' : model.speculation,
      sampling: model.sampling,
    },
    // The studio's key and stop words come from the seed and are for its own model.
    proxy: { clientKey: null, stopSequences: [] },
    ramDisk: { sizeMiB: ramDiskMiB(machine.totalBytes) },
  }
}

export const judgeModel = (
  files: ModelFiles,
  draft: ModelFiles | null,
  studio: Profile,
  { agents, machine }: { readonly agents: number; readonly machine: JudgedMachine },
): JudgedModel => {
  const { model, path, header, whyNoHeader } = files
  const speed = {
    firstTurnSeconds:
      model.speed?.prefillTokensPerSecond == null
        ? null
        : firstTurnTokens / model.speed.prefillTokensPerSecond,
    generationTokensPerSecond: model.speed?.generationTokensPerSecond ?? null,
  }
  const none = { model, path, contextTokens: null, tokensPerAgent: null, ...speed }
  if (header === null) return { ...none, fit: 'unknown', why: whyNoHeader, neededBytes: null }
  const input = planInput(header, draft?.header ?? null, files, studio, { agents, machine })
  const largest = findLargestContext(input, true)
  if (largest === null) return { ...none, ...sayMisfit(input) }
  const { contextTokens } = largest
  const trainingTokens = header.trainingContextTokens ?? contextTokens
  return {
    ...none,
    fit: 'fits',
    why: null,
    neededBytes: null,
    contextTokens,
    tokensPerAgent: Math.min(trainingTokens, Math.floor(contextTokens / agents)),
  }
}

const planInput = (
  target: GgufHeader,
  draft: GgufHeader | null,
  files: ModelFiles,
  studio: Profile,
  { agents, machine }: { readonly agents: number; readonly machine: JudgedMachine },
): PlanInput => {
  // The smallest context; the largest that fits is searched for later.
  const override = overrideFor(files, draft === null ? null : '/draft.gguf', {
    agents,
    contextTokens: 1024,
    machine,
  })
  const profile = settleKvSharing(applyOverride(studio, override, files.model.id))
  return {
    target,
    draft,
    projectorBytes: null,
    server: plannedServer({ ...profile.llamaServer, promptCacheMiB: effectivePromptCacheMiB(profile) }),
    ramDiskBytes: profile.ramDisk.sizeMiB * mebibyte,
    machine: planMachine(machine, machine.isMac),
    reserves: reservesFor(machine.totalBytes),
    whyNoPool: whyNoPool(profile),
  }
}

/** For a model whose smallest context doesn't fit: what is short, or what couldn't be counted. */
const sayMisfit = (input: PlanInput): Pick<JudgedModel, 'fit' | 'why' | 'neededBytes'> => {
  const tally = tallyPlan(input)
  const { totalBytes } = input.machine
  if (tally.uncounted !== null && judgeTally(tally, input.machine) === 'unknown')
    return { fit: 'unknown', why: tally.uncounted, neededBytes: null }
  const over = tally.totalBytes - totalBytes
  return {
    fit: 'does-not-fit',
    neededBytes: Math.ceil(tally.totalBytes / (1 - headroomShare)),
    why:
      over > 0
        ? `with all reserves and a Build Forge of ${formatBytes(input.ramDiskBytes)} it needs ${formatBytes(tally.totalBytes)}, ${formatBytes(over)} more than available`
        : "it exceeds the GPU's limit, or leaves less than a hundredth of memory free",
  }
}

/**
 * Best for agents first: models made for agents that fit with a workable context, then those with less context, then models
 * made for something else, then unknown ones, last those that don't fit. Within a group: a known first turn before an unknown
 * one, faster before slower, more context before less.
 */
export const orderModels = (judged: readonly JudgedModel[]): readonly JudgedModel[] =>
  judged.toSorted(
    (a, b) =>
      groupOf(a) - groupOf(b) ||
      (a.firstTurnSeconds ?? Number.MAX_VALUE) - (b.firstTurnSeconds ?? Number.MAX_VALUE) ||
      (b.tokensPerAgent ?? 0) - (a.tokensPerAgent ?? 0),
  )

const groupOf = ({ model, fit, tokensPerAgent }: JudgedModel): number => {
  if (fit === 'does-not-fit') return 4
  if (fit === 'unknown') return 3
  if (model.madeFor !== 'agents' || model.tools.renders !== true) return 2
  return (tokensPerAgent ?? 0) >= workableTokens ? 0 : 1
}

/** The best model for agents; null: none fits. */
export const bestForAgents = (ordered: readonly JudgedModel[]): JudgedModel | null =>
  ordered.find((each) => groupOf(each) === 0) ?? null
