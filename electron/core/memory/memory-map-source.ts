// The memory plan of the profile at hand, made once and kept: a model's header costs milliseconds, a snapshot may not.
import { isDeepStrictEqual } from 'node:util'
import type { Profile } from '../../contract/profile.ts'
import type { MemoryPlan } from './memory-plan.ts'
import type { MemoryPlanReading } from './stack-plan.ts'

export interface PlanQuestion {
  readonly profileName: string
  readonly profile: Profile
  readonly totalMemoryBytes: number
  readonly gpuLimitBytes: number | null
}

export interface MemoryMapSource {
  /** The plan, made now unless this very question was answered last. */
  readPlan(question: PlanQuestion): Promise<MemoryPlanReading>
  /** Sees to it that there soon is a plan for what is at hand; `onChange` tells when. Cheap when there is one. */
  want(): void
  /** null while no plan was made for this profile, or when it cannot be made. */
  current(profile: Profile): MemoryPlan | null
}

/** A model that is not there yet may come: it is looked for again, but not at every snapshot. */
const retryMs = 60_000

export const createMemoryMapSource = (options: {
  readonly makePlan: (question: PlanQuestion) => Promise<MemoryPlanReading>
  /** What a plan would be about now. */
  readonly ask: () => Promise<PlanQuestion>
  readonly onChange: () => void
}): MemoryMapSource => {
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
    readPlan,
    want: () => {
      if (wanting) return
      wanting = true
      // A machine that does not tell its memory has no map; everything else goes on.
      renew()
        .catch(() => {})
        .finally(() => {
          wanting = false
        })
    },
    current: (profile) =>
      held?.reading.kind === 'planned' && isDeepStrictEqual(held.question.profile, profile)
        ? held.reading.plan
        : null,
  }
}
