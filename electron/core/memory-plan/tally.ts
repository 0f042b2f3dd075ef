// Adds up one configuration. Everything else (verdict, largest context, suggestions) asks it again with changes.
import type { GgufHeader } from '../gguf/gguf-header.ts'
import { estimateCheckpointBytes, estimateComputeBytes, estimateProgramBytes } from './compute-estimate.ts'
import { type KvCacheSize, planKvCache } from './kv-cache.ts'
import type { PlannedServer } from './planned-server.ts'
import type { Reserves } from './reserves.ts'

export interface PlanInput {
  readonly target: GgufHeader
  /** The model passed with `-md`: it takes its memory whether or not it ever drafts. */
  readonly draft: GgufHeader | null
  readonly server: PlannedServer
  readonly ramDiskBytes: number
  readonly machine: {
    readonly totalBytes: number
    /** What the GPU may wire (Metal's working set); null where unknown or without such a limit. */
    readonly gpuLimitBytes: number | null
    /** The limit is what Metal usually takes, not a reading. */
    readonly gpuLimitIsEstimate?: boolean
  }
  readonly reserves: Reserves
  /** True when something keeps the sum of the agents' contexts under the pool, so that it never fills. */
  readonly poolIsGuarded: boolean
}

export interface Tally {
  readonly kvTarget: KvCacheSize
  readonly kvDraft: KvCacheSize | null
  readonly computeBytes: number
  readonly programBytes: number
  /** Known parts only; a KV cache that cannot be counted is missing from all three. */
  readonly gpuBytes: number
  readonly withoutLinkerBytes: number
  readonly totalBytes: number
  /** Why the sums are too low; null when everything was counted. */
  readonly uncounted: string | null
}

const knownBytes = (size: KvCacheSize | null): number => (size?.kind === 'known' ? size.bytes : 0)

function sayUncounted(target: KvCacheSize, draft: KvCacheSize | null): string | null {
  const reasons = [
    target.kind === 'unknown' ? `model: ${target.reason}` : null,
    draft?.kind === 'unknown' ? `draft: ${draft.reason}` : null,
  ].filter((reason) => reason !== null)
  return reasons.length === 0 ? null : reasons.join('; ')
}

export function tallyPlan(input: PlanInput): Tally {
  const { target, draft, server, reserves } = input
  const kvTarget = planKvCache(target.kv, { ...server, typeK: server.cacheTypeK, typeV: server.cacheTypeV })
  // Measured: the draft's context has the target's cells and slots, in its own cache types (f16 unless set).
  const kvDraft =
    draft === null
      ? null
      : planKvCache(draft.kv, { ...server, typeK: server.draftCacheTypeK, typeV: server.draftCacheTypeV })
  const computeBytes =
    estimateComputeBytes(target, server) + (draft === null ? 0 : estimateComputeBytes(draft, server))
  const programBytes =
    estimateProgramBytes(draft === null ? [target] : [target, draft]) +
    estimateCheckpointBytes(kvTarget, server.slots) +
    estimateCheckpointBytes(kvDraft, server.slots)
  const gpuBytes =
    target.tensorBytes + (draft?.tensorBytes ?? 0) + knownBytes(kvTarget) + knownBytes(kvDraft) + computeBytes
  const withoutLinkerBytes =
    gpuBytes + programBytes + server.promptCacheBytes + input.ramDiskBytes + reserves.osBytes
  return {
    kvTarget,
    kvDraft,
    computeBytes,
    programBytes,
    gpuBytes,
    withoutLinkerBytes,
    totalBytes: withoutLinkerBytes + reserves.linkerBytes,
    uncounted: sayUncounted(kvTarget, kvDraft),
  }
}

export type Verdict = 'fits' | 'fits-without-linker-reserve' | 'does-not-fit' | 'unknown'

export function judgeTally(tally: Tally, machine: PlanInput['machine']): Verdict {
  const overGpu = machine.gpuLimitBytes !== null && tally.gpuBytes > machine.gpuLimitBytes
  if (overGpu || tally.withoutLinkerBytes > machine.totalBytes) return 'does-not-fit'
  if (tally.uncounted !== null) return 'unknown'
  return tally.totalBytes > machine.totalBytes ? 'fits-without-linker-reserve' : 'fits'
}
