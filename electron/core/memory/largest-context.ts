// Finds the largest context that fits with all reserves and some headroom, split among the slots or as one pool.
import type { LargestContext } from '../../contract/memory-plan.ts'
import { judgeTally, type PlanInput, tallyPlan } from './tally.ts'

/** Round numbers, as people type them. */
const stepTokens = 1024
/** For a model that doesn't state its training context. */
const unknownTrainingTokens = 1_048_576

/** Share of memory that recommendations leave free: reserves and compute buffers are no more exact than this. */
export const headroomShare = 0.01

/** For recommendations, a hundredth of memory stays free and an estimated limit counts as a real one. */
const recommendedMachine = ({ totalBytes, gpuLimitBytes }: PlanInput['machine']): PlanInput['machine'] => ({
  totalBytes: totalBytes * (1 - headroomShare),
  gpuLimitBytes,
})

/** null when not even the smallest step fits, or when the KV cache cannot be counted. */
export function findLargestContext(input: PlanInput, unifiedKv: boolean): LargestContext | null {
  const machine = recommendedMachine(input.machine)
  const { slots } = input.server
  const trainingTokens = input.target.trainingContextTokens ?? unknownTrainingTokens
  const step = unifiedKv ? stepTokens : stepTokens * slots
  const fits = (steps: number): boolean =>
    judgeTally(
      tallyPlan({ ...input, server: { ...input.server, unifiedKv, contextTokens: steps * step } }),
      machine,
    ) === 'fits'
  // Cells beyond every slot's training context are useless.
  let low = 0
  let high = Math.floor((trainingTokens * slots) / step)
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (fits(middle)) low = middle
    else high = middle - 1
  }
  if (low === 0) return null
  const contextTokens = low * step
  return {
    contextTokens,
    tokensPerAgent: Math.min(unifiedKv ? contextTokens : contextTokens / slots, trainingTokens),
  }
}
