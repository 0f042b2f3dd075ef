// Adds up one configuration, with estimates for what llama-server takes besides weights and KV cache. Everything else (verdict,
// largest context, suggestions) calls it with changes.
import type { MemoryPlan } from '../../contract/memory-plan.ts'
import type { GgufHeader } from '../gguf/gguf-header.ts'
import { cellRules, countCells, type KvCacheSettings, type KvCacheSize, planKvCache } from './kv-cache.ts'
import type { PlannedServer } from './planned-server.ts'
import type { Reserves } from './reserves.ts'

/** Limits of the files that conversations without a slot wait in. */
export interface PlannedParking {
  readonly mostBytes: number
  readonly mostAgeSeconds: number
}

export interface PlanInput {
  readonly target: GgufHeader
  /** The model passed with `-md`: it takes memory whether or not it ever drafts. */
  readonly draft: GgufHeader | null
  /** Weights of an additional vision or audio model (`--mmproj`); null without one. */
  readonly projectorBytes: number | null
  readonly server: PlannedServer
  readonly ramDiskBytes: number
  readonly machine: {
    readonly totalBytes: number
    /** What the GPU may wire (Metal's working set); null when unknown or there is no such limit. */
    readonly gpuLimitBytes: number | null
    /** The limit is Metal's usual default, not a reading: exceeding it gives a warning, not a verdict. */
    readonly gpuLimitIsEstimate?: boolean
  }
  readonly reserves: Reserves
  /** Why nothing keeps the sum of the agents' contexts within a pool; null when the Router does. */
  readonly whyNoPool: string | null
  /** null or absent: conversations without a slot are dropped. */
  readonly parking?: PlannedParking | null
}

export type Tally = Readonly<ReturnType<typeof tallyPlan>>

/**
 * llama.cpp counts the output layer and puts it on the GPU first, then the last of the others, each with its KV cache
 * (src/llama-model.cpp, load_tensors: `i_gpu_start = max(n_layer_all + 1 - n_gpu_layers, 0)`; the same in b9993 and b10437).
 * Assumes layers of equal size.
 */
const gpuShare = ({ layers }: GgufHeader, gpuLayers: number): number =>
  layers === null ? 1 : Math.min(gpuLayers / (layers + 1), 1)

const knownBytes = (size: KvCacheSize | null): number => (size?.kind === 'known' ? size.bytes : 0)

function sayUncounted(
  target: KvCacheSize,
  draft: KvCacheSize | null,
  unread: readonly string[],
): string | null {
  const reasons = [
    ...unread,
    target.kind === 'unknown' ? `model: ${target.reason}` : null,
    draft?.kind === 'unknown' ? `draft: ${draft.reason}` : null,
  ].filter((reason) => reason !== null)
  return reasons.length === 0 ? null : reasons.join('; ')
}

export function tallyPlan(input: PlanInput) {
  const { target, draft, server, reserves } = input
  const kvTarget = planKvCache(target.kv, { ...server, typeK: server.cacheTypeK, typeV: server.cacheTypeV })
  // Measured: the draft's context has the target's cells and slots, in its own cache types (f16 unless set).
  const kvDraft =
    draft === null
      ? null
      : planKvCache(draft.kv, { ...server, typeK: server.draftCacheTypeK, typeV: server.draftCacheTypeV })
  const computeBytes =
    estimateComputeBytes(target, server) + (draft === null ? 0 : estimateComputeBytes(draft, server))
  const programBytes = estimateProgramBytes(draft === null ? [target] : [target, draft])
  const checkpointBytes = estimateCheckpointBytes(kvTarget, server) + estimateCheckpointBytes(kvDraft, server)
  const projectorBytes = input.projectorBytes ?? 0
  const targetBytes = target.tensorBytes + knownBytes(kvTarget)
  const draftBytes = (draft?.tensorBytes ?? 0) + knownBytes(kvDraft)
  const draftShare = draft === null ? 0 : gpuShare(draft, server.draftGpuLayers)
  const gpuBytes =
    Math.ceil(targetBytes * gpuShare(target, server.gpuLayers) + draftBytes * draftShare) +
    computeBytes +
    (server.projectorOnGpu && server.gpuLayers > 0 ? projectorBytes : 0)
  const withoutLinkerBytes =
    targetBytes +
    draftBytes +
    projectorBytes +
    computeBytes +
    programBytes +
    checkpointBytes +
    server.promptCacheBytes +
    input.ramDiskBytes +
    reserves.osBytes
  return {
    kvTarget,
    kvDraft,
    computeBytes,
    programBytes,
    /** Of both models: an estimate, because checkpoints are added as contexts grow. */
    checkpointBytes,
    /** The GPU's part. Known parts only: a KV cache that can't be counted is missing from this and the next two. */
    gpuBytes,
    withoutLinkerBytes,
    totalBytes: withoutLinkerBytes + reserves.linkerBytes,
    /** Why the sums are too low; null when everything was counted. */
    uncounted: sayUncounted(kvTarget, kvDraft, server.unread),
  }
}

/**
 * The largest default limit seen on a Mac, as a share of its memory: 464 of 512 GiB (an M3 Ultra's
 * recommendedMaxWorkingSetSize of 498216.21 MB). An estimated default must not refuse anything below this.
 */
export const largestDefaultShare = 0.92

const isOverGpuLimit = (gpuBytes: number, machine: PlanInput['machine']): boolean => {
  const { totalBytes, gpuLimitBytes, gpuLimitIsEstimate = false } = machine
  if (gpuLimitBytes === null) return false
  return gpuBytes > (gpuLimitIsEstimate ? totalBytes * largestDefaultShare : gpuLimitBytes)
}

export function judgeTally(tally: Tally, machine: PlanInput['machine']): MemoryPlan['verdict'] {
  if (!Number.isFinite(tally.totalBytes) || !Number.isFinite(tally.gpuBytes)) return 'unknown'
  if (isOverGpuLimit(tally.gpuBytes, machine) || tally.withoutLinkerBytes > machine.totalBytes)
    return 'does-not-fit'
  if (tally.uncounted !== null) return 'unknown'
  return tally.totalBytes > machine.totalBytes ? 'fits-without-linker-reserve' : 'fits'
}

const f32Bytes = 4
const f16Bytes = 2

/**
 * Measured on b10068 with gemma-3-270m (CPU, flash attention): 17.77 MiB for 512 tokens of micro batch, half for 256,
 * plus two bytes per micro-batch token and cell of the attention mask (full and sliding). The activations fit
 * 3 x feed-forward + 5 x embedding numbers per token (18.3 MiB there). Output logits: one row per slot.
 */
export function estimateComputeBytes(
  model: GgufHeader,
  settings: Omit<KvCacheSettings, 'typeK' | 'typeV'>,
): number {
  const cells = countCells(settings, cellRules(model.kv))
  const microBatch = Math.min(settings.microBatchTokens, settings.batchTokens)
  const embedding = model.embeddingLength ?? 4096
  const feedForward = model.feedForwardLength ?? 4 * embedding
  const activations = microBatch * f32Bytes * (3 * feedForward + 5 * embedding)
  const masks = microBatch * f16Bytes * (cells.perStream + cells.slidingPerStream)
  const logits = settings.slots * f32Bytes * (model.tokenCount ?? 131_072)
  return activations + masks + logits
}

/**
 * llama-server keeps checkpoints of each slot in host memory to resume prompts: copies of sliding windows
 * (ggml-org/llama.cpp pull 15293) and of recurrent states. Measured with b10068: two per prompt and one more per 8,192
 * tokens (`--checkpoint-min-step`), at most 32 per slot (`--ctx-checkpoints`). In a pool all slots share the tokens.
 */
function countCheckpoints(
  size: KvCacheSize | null,
  server: Pick<PlannedServer, 'slots' | 'unifiedKv' | 'checkpointsPerSlot' | 'checkpointStepTokens'>,
): number {
  if (size?.kind !== 'known' || size.checkpointBytes === 0) return 0
  const { slots, unifiedKv, checkpointsPerSlot, checkpointStepTokens } = server
  const most = slots * checkpointsPerSlot
  // Without a minimum distance every batch may add one.
  if (checkpointStepTokens === 0) return most
  const alongTokens = Math.floor(size.cells.perStream / checkpointStepTokens)
  return Math.min(most, unifiedKv ? 2 * slots + alongTokens : slots * (2 + alongTokens))
}

export const estimateCheckpointBytes = (
  size: KvCacheSize | null,
  server: Parameters<typeof countCheckpoints>[1],
): number => (size?.kind === 'known' ? countCheckpoints(size, server) * size.checkpointBytes : 0)

const programBytes = 64 * 1024 * 1024
const bytesPerToken = 128

/** Measured: 90 to 96 MiB beyond all buffers with one tokenizer of 262,144 tokens (libraries 60, tokenizer 30). */
export const estimateProgramBytes = (models: readonly GgufHeader[]): number =>
  programBytes + models.reduce((sum, model) => sum + bytesPerToken * (model.tokenCount ?? 131_072), 0)
