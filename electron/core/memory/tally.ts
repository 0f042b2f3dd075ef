// Adds up one configuration. Everything else (verdict, largest context, suggestions) calls it with changes.

import type { MemoryPlan } from '../../contract/memory-plan.ts'
import type { GgufHeader } from '../gguf/gguf-header.ts'
import { estimateCheckpointBytes, estimateComputeBytes, estimateProgramBytes } from './compute-estimate.ts'
import { type KvCacheSize, planKvCache } from './kv-cache.ts'
import type { PlannedServer } from './planned-server.ts'
import type { PlannedParking } from './prompt-cache-note.ts'
import type { Reserves } from './reserves.ts'

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
