// The largest context that fits with all reserves and some headroom, split among the slots or as one pool.
import { judgeTally, type PlanInput, tallyPlan } from './tally.ts'

export interface LargestContext {
  readonly contextTokens: number
  /** What each agent gets (split), or may grow to while the others are small (pool). */
  readonly tokensPerAgent: number
}

/** Contexts are searched in steps that people would type. */
const stepTokens = 1024
/** Where a model does not say what it was trained for. */
const unknownTrainingTokens = 1_048_576

/** Of memory, what is left free by what is recommended: reserves and compute buffers are no closer than that. */
export const headroomShare = 0.01

/** What may be recommended: a hundredth of memory stays free, and a limit that is only estimated is kept. */
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
  // Beyond every slot's training context more cells serve nobody.
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
