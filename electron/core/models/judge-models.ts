// What each model of the catalogue would be on a machine: whether it fits, the context of each agent, and how fast it is said
// to be. By the memory plan, on the header's shapes. Pure.
import type { Profile, ProfileOverride } from '../../contract/profile.ts'
import { formatBytes } from '../base/format-bytes.ts'
import { applyOverride } from '../config/config.ts'
import { settleKvSharing, whyNoPool } from '../config/kv-sharing.ts'
import { effectivePromptCacheMiB } from '../engine/slot-cache.ts'
import type { GgufHeader } from '../gguf/gguf-header.ts'
import { estimateGpuLimitBytes } from '../memory/gpu-limit.ts'
import { findLargestContext, headroomShare } from '../memory/largest-context.ts'
import { plannedServer } from '../memory/planned-server.ts'
import { reservesFor } from '../memory/reserves.ts'
import { judgeTally, type PlanInput, tallyPlan } from '../memory/tally.ts'
import type { CatalogueModel } from './catalogue.ts'

export interface JudgedMachine {
  readonly totalBytes: number
  /** null: estimated on a Mac, none elsewhere. */
  readonly gpuLimitBytes: number | null
  /** Elsewhere no GPU is known of. */
  readonly isMac: boolean
}

export interface ModelFiles {
  readonly model: CatalogueModel
  /** The first of its files, all of which are here; null: they aren't. */
  readonly path: string | null
  /** Of the file that is here, else of the catalogue; null: not known, and `whyNoHeader` says why. */
  readonly header: GgufHeader | null
  readonly whyNoHeader: string | null
}

export interface JudgedModel {
  readonly model: CatalogueModel
  readonly path: string | null
  readonly fit: 'fits' | 'does-not-fit' | 'unknown'
  /** Why it doesn't fit or isn't known; null where it fits. */
  readonly why: string | null
  /** With all reserves, the least context and what stays free; null where it fits or isn't known. */
  readonly neededBytes: number | null
  /** The pool that all agents share; null where none fits. */
  readonly contextTokens: number | null
  /** What each agent has when all are full. */
  readonly tokensPerAgent: number | null
  /** At the published rate, on the machine that it was published for; null: not known. */
  readonly firstTurnSeconds: number | null
  readonly generationTokensPerSecond: number | null
}

/** What Claude Code brings with its first request: 21,000 to 30,000 tokens were measured. */
export const firstTurnTokens = 20_000

/** Below that, Claude Code compacts without end: its first request alone takes most of it. */
const workableTokens = 32_768

const gibibyte = 1024 ** 3
const mebibyte = 1024 ** 2

/** The share of the seed's map, 64 of 256 GiB, and no more than that. */
const ramDiskMiB = (totalBytes: number): number =>
  Math.max(256, Math.floor(Math.min(64 * gibibyte, totalBytes / 4) / mebibyte))

/** What a profile for one model changes in `studio`. */
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
    // The studio's key and stop words are the seed's, for its own model.
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
  // With the least context that is tried: how much more fits is searched for.
  const override = overrideFor(files, draft === null ? null : '/draft.gguf', {
    agents,
    contextTokens: 1024,
    machine,
  })
  const profile = settleKvSharing(applyOverride(studio, override, files.model.id))
  const { totalBytes, gpuLimitBytes, isMac } = machine
  return {
    target,
    draft,
    projectorBytes: null,
    server: plannedServer({ ...profile.llamaServer, promptCacheMiB: effectivePromptCacheMiB(profile) }),
    ramDiskBytes: profile.ramDisk.sizeMiB * mebibyte,
    machine:
      gpuLimitBytes === null && isMac
        ? { totalBytes, gpuLimitBytes: estimateGpuLimitBytes(totalBytes), gpuLimitIsEstimate: true }
        : { totalBytes, gpuLimitBytes },
    reserves: reservesFor(totalBytes),
    whyNoPool: whyNoPool(profile),
  }
}

/** Not even the least context: what is short, or what could not be counted. */
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
        ? `with all reserves and a Build Forge of ${formatBytes(input.ramDiskBytes)} it needs ${formatBytes(tally.totalBytes)}, ${formatBytes(over)} more than there is`
        : 'what the GPU may hold, or the hundredth that is kept free, is too little for it',
  }
}

/**
 * What serves the agents best comes first: models made for agents that fit with a workable context, then those with less, then
 * models made for something else, then what is not known, last what does not fit. Among equals a known first turn goes before
 * an unknown one, the faster before the slower, and more context before less.
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

/** The best that can work as an agent; null: none that fits. */
export const bestForAgents = (ordered: readonly JudgedModel[]): JudgedModel | null =>
  ordered.find((each) => groupOf(each) === 0) ?? null
