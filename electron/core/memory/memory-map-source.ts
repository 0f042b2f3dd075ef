// Caches the current profile's memory plan: reading a model's header takes milliseconds, too slow for each snapshot.
import { isDeepStrictEqual } from 'node:util'
import type { MemoryPlan } from '../../contract/memory-plan.ts'
import type { Profile } from '../../contract/profile.ts'
import type { MemoryPlanReading, PlanContext } from './stack-plan.ts'

export type PlanQuestion = Pick<PlanContext, 'profileName' | 'profile' | 'totalMemoryBytes' | 'gpuLimitBytes'>

export type MemoryMapSource = ReturnType<typeof createMemoryMapSource>

/** A missing model may still arrive, so it is looked for again, but not at every snapshot. */
const retryMs = 60_000

export const createMemoryMapSource = (options: {
  readonly makePlan: (question: PlanQuestion) => Promise<MemoryPlanReading>
  /** The inputs of a plan made now. */
  readonly ask: () => Promise<PlanQuestion>
  readonly onChange: () => void
}) => {
  let held: { readonly question: PlanQuestion; readonly reading: MemoryPlanReading; at: number } | null = null
  let wanting = false

  const isHeld = (question: PlanQuestion): boolean =>
    held !== null && isDeepStrictEqual(held.question, question)

  const readPlan = async (question: PlanQuestion): Promise<MemoryPlanReading> => {
    if (held?.reading.kind === 'planned' && isHeld(question)) return held.reading
    const reading = await options.makePlan(question)
    held = { question, reading, at: performance.now() }
    return reading
  }

  const renew = async (): Promise<void> => {
    const question = await options.ask()
    const isRecent = held !== null && performance.now() - held.at < retryMs
    if (isHeld(question) && (held?.reading.kind === 'planned' || isRecent)) return
    await readPlan(question)
    options.onChange()
  }

  return {
    /** Returns the cached plan if the last question was the same, else makes a new one. */
    readPlan,
    /** Starts making a plan for the current profile; `onChange` fires when it is ready. Cheap if there is one. */
    want: (): void => {
      if (wanting) return
      wanting = true
      // If the machine's memory can't be read there is no map; everything else goes on.
      renew()
        .catch(() => {})
        .finally(() => {
          wanting = false
        })
    },
    /** null when no plan has been made for this profile, or none can be. */
    current: (profile: Profile): MemoryPlan | null =>
      held?.reading.kind === 'planned' && isDeepStrictEqual(held.question.profile, profile)
        ? held.reading.plan
        : null,
  }
}
