// The machine's memory in the parts of the owner's map: measured from the running engine, which is compared with the plan, else
// planned. Pure.
import type { MemoryPlan, PlanLine } from '../../contract/memory-plan.ts'
import type { MemoryMap, MemoryPart, RamDisk } from '../../contract/snapshot.ts'
import type { Allocations, ModelAllocations } from './allocations.ts'

export interface MemoryMapInput {
  readonly plan: Pick<
    MemoryPlan,
    'lines' | 'machineBytes' | 'totalBytes' | 'verdict' | 'sharedEmbeddingBytes'
  >
  /** As logged by the running llama-server; null when none runs or the log doesn't have them. */
  readonly allocations: Allocations | null
  readonly ramDisk: RamDisk | null
}

type Amount = Pick<MemoryPart, 'bytes' | 'usedBytes' | 'source'>

const planned = (bytes: number): Amount => ({ bytes, usedBytes: null, source: 'planned' })

/** null: part of the model's memory can't be counted, and no engine is running to measure it. */
export const buildMemoryMap = (input: MemoryMapInput): MemoryMap | null => {
  const { plan, ramDisk } = input
  const lineBytes = (id: PlanLine['id']): number => plan.lines.find((line) => line.id === id)?.bytes ?? 0
  const amounts = readEngineAmounts(input, lineBytes)
  if (amounts === null) return null
  const wanted: readonly (readonly [MemoryPart['id'], Amount])[] = [
    ...amounts,
    ['forge', readForge(ramDisk, lineBytes('ramDisk'))],
    ['system', planned(lineBytes('os'))],
    ['linker', planned(lineBytes('linker'))],
  ]
  const parts = layOut(wanted, plan.machineBytes)
  if (plan.verdict !== 'unknown')
    return { parts, verdict: plan.verdict, spareBytes: plan.machineBytes - plan.totalBytes }
  const totalBytes = wanted.reduce((sum, [, { bytes }]) => sum + bytes, 0)
  return {
    parts,
    verdict: judge(totalBytes, lineBytes('linker'), plan.machineBytes),
    spareBytes: plan.machineBytes - totalBytes,
  }
}

/** The rest of llama-server (its program, its prompt cache) is added to the compute buffers and never measured. */
const readEngineAmounts = (
  { plan, allocations }: MemoryMapInput,
  lineBytes: (id: PlanLine['id']) => number,
): readonly (readonly [MemoryPart['id'], Amount])[] | null => {
  const aroundBytes = lineBytes('program') + lineBytes('checkpoints') + lineBytes('promptCache')
  if (allocations === null) {
    if (plan.verdict === 'unknown') return null
    return [
      ['engine', planned(lineBytes('weights') + lineBytes('projector'))],
      ['draft', planned(lineBytes('draftWeights'))],
      ['kv', planned(lineBytes('kvTarget') + lineBytes('kvDraft'))],
      ['compute', planned(lineBytes('compute') + aroundBytes)],
    ]
  }
  const actual = comparePlan(plan, allocations)
  const measured = (...ids: readonly (typeof actual)[number]['id'][]): Amount => ({
    bytes: actual.filter(({ id }) => ids.includes(id)).reduce((sum, { actualBytes }) => sum + actualBytes, 0),
    usedBytes: null,
    source: 'measured',
  })
  return [
    ['engine', measured('weights', 'copies')],
    ['draft', measured('draftWeights')],
    ['kv', measured('kvTarget', 'kvDraft')],
    ['compute', planned(measured('compute').bytes + aroundBytes)],
  ]
}

/** The sizes of a `shm-folder` are those of all of /dev/shm, so the profile's size is used instead. */
const readForge = (ramDisk: RamDisk | null, plannedBytes: number): Amount => {
  if (ramDisk === null || !ramDisk.mounted) return planned(plannedBytes)
  const { totalBytes, usedBytes, kind } = ramDisk
  if (totalBytes === null || kind === 'shm-folder') return { ...planned(plannedBytes), usedBytes }
  return { bytes: totalBytes, usedBytes, source: 'measured' }
}

/** Always adds up to the machine's memory: what doesn't fit is cut from the last parts, as it would be in reality. */
const layOut = (
  wanted: readonly (readonly [MemoryPart['id'], Amount])[],
  machineBytes: number,
): MemoryPart[] => {
  let left = machineBytes
  const parts = wanted.map(([id, amount]): MemoryPart => {
    const bytes = Math.min(amount.bytes, left)
    left -= bytes
    return { id, ...amount, bytes }
  })
  return [...parts, { id: 'free', ...planned(left) }]
}

const judge = (totalBytes: number, linkerBytes: number, machineBytes: number): MemoryMap['verdict'] => {
  if (totalBytes <= machineBytes) return 'fits'
  return totalBytes - linkerBytes <= machineBytes ? 'fits-without-linker-reserve' : 'does-not-fit'
}

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
