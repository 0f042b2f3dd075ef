// Compares the plan with what llama-server reports after the start.
import type { MemoryPlan, PlanLine } from '../../contract/memory-plan.ts'
import type { Allocations, ModelAllocations } from './allocations.ts'

export interface PlanDifference {
  readonly id: PlanLine['id'] | 'copies'
  readonly label: string
  /** null: the plan could not count it. */
  readonly plannedBytes: number | null
  readonly actualBytes: number
  /** (actual - planned) / planned; null when nothing was planned. */
  readonly relative: number | null
}

/**
 * With part of the weights on the GPU and shared embeddings, the mapped buffers of both devices include the same pages. The
 * parts of a split file are each mapped on one device and share none.
 */
const weightsOf = (model: ModelAllocations, sharedBytes: number): number =>
  model.mappedDevices > 1 ? model.modelBytes - sharedBytes : model.modelBytes

export function comparePlan(
  plan: Pick<MemoryPlan, 'lines' | 'sharedEmbeddingBytes'>,
  allocations: Allocations,
): readonly PlanDifference[] {
  const { target, draft } = allocations
  const { sharedEmbeddingBytes: shared } = plan
  const copies = target.copiedBytes + (draft?.copiedBytes ?? 0)
  const actual: readonly (readonly [PlanDifference['id'], string, number])[] = [
    ['weights', 'AI Engine (weights)', weightsOf(target, shared.target)],
    ['kvTarget', 'Agent context (KV cache)', target.kvBytes],
    ...(draft === null
      ? []
      : ([
          ['draftWeights', 'Speculative draft model', weightsOf(draft, shared.draft)],
          ['kvDraft', 'Agent context, draft (KV cache)', draft.kvBytes],
        ] as const)),
    ['compute', 'Compute buffers', target.computeBytes + (draft?.computeBytes ?? 0)],
    ...(copies === 0 ? [] : ([['copies', 'Weights rearranged for this CPU', copies]] as const)),
  ]
  return actual.map(([id, label, actualBytes]) => {
    const plannedBytes = plan.lines.find((line) => line.id === id)?.bytes ?? null
    const relative = plannedBytes ? (actualBytes - plannedBytes) / plannedBytes : null
    return { id, label, plannedBytes, actualBytes, relative }
  })
}
