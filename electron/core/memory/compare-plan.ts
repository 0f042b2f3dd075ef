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

function difference(
  id: PlanDifference['id'],
  label: string,
  plannedBytes: number | null,
  actualBytes: number,
): PlanDifference {
  const relative =
    plannedBytes === null || plannedBytes === 0 ? null : (actualBytes - plannedBytes) / plannedBytes
  return { id, label, plannedBytes, actualBytes, relative }
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
  const planned = (id: PlanLine['id']): number | null =>
    plan.lines.find((line) => line.id === id)?.bytes ?? null
  const { target, draft } = allocations
  const copies = target.copiedBytes + (draft?.copiedBytes ?? 0)
  return [
    difference(
      'weights',
      'AI Engine (weights)',
      planned('weights'),
      weightsOf(target, plan.sharedEmbeddingBytes.target),
    ),
    difference('kvTarget', 'Agent context (KV cache)', planned('kvTarget'), target.kvBytes),
    ...(draft === null
      ? []
      : [
          difference(
            'draftWeights',
            'Speculative draft model',
            planned('draftWeights'),
            weightsOf(draft, plan.sharedEmbeddingBytes.draft),
          ),
          difference('kvDraft', 'Agent context, draft (KV cache)', planned('kvDraft'), draft.kvBytes),
        ]),
    difference(
      'compute',
      'Compute buffers',
      planned('compute'),
      target.computeBytes + (draft?.computeBytes ?? 0),
    ),
    ...(copies === 0 ? [] : [difference('copies', 'Weights rearranged for this CPU', null, copies)]),
  ]
}
