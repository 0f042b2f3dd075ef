// When to restart a crashed service and when to give up.
import type { ExitExplanation } from './child-service.ts'

export interface RestartPolicy {
  /** Wait before the restart after the nth crash of a burst; the last value covers all further crashes. */
  readonly delaysMs: readonly number[]
  /** Random share added to each wait, so that two services don't restart in step. */
  readonly jitter: number
  /** Give up after this many crashes within `windowMs`. */
  readonly giveUpAfter: number
  readonly windowMs: number
}

/** The first restart is immediate, so a glitch goes unnoticed; then 1, 2, 4 ... 60 s. Five crashes in ten minutes: give up. */
export const defaultRestartPolicy: RestartPolicy = {
  delaysMs: [50, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000],
  jitter: 0.2,
  giveUpAfter: 5,
  windowMs: 600_000,
}

export type RestartDecision =
  | { readonly kind: 'restart'; readonly delayMs: number }
  | { readonly kind: 'give-up'; readonly crashes: number; readonly windowMs: number }

/**
 * Pure.
 * @param crashTimesMs all crashes since the user last started the service, oldest first, including the newest
 * @param random 0 to 1, as Math.random
 */
export const decideRestart = (
  policy: RestartPolicy,
  crashTimesMs: readonly number[],
  nowMs: number,
  random: () => number,
): RestartDecision => {
  const recent = crashTimesMs.filter((at) => nowMs - at < policy.windowMs).length
  if (recent >= policy.giveUpAfter) return { kind: 'give-up', crashes: recent, windowMs: policy.windowMs }
  const index = Math.min(Math.max(recent - 1, 0), policy.delaysMs.length - 1)
  const base = policy.delaysMs[index] ?? 0
  return { kind: 'restart', delayMs: Math.round(base * (1 + policy.jitter * random())) }
}

type AfterExit =
  | { readonly kind: 'restart'; readonly delayMs: number }
  | { readonly kind: 'fail'; readonly reason: string }

export type CrashRecord = ReturnType<typeof createCrashRecord>

/** The crashes of one service since the user last started it. @param now ms since epoch. @param random 0 to 1 */
export const createCrashRecord = (policy: RestartPolicy, now: () => number, random: () => number) => {
  let crashTimesMs: number[] = []
  let restarts = 0
  return {
    restarts: () => restarts,
    /** Adds the exit of a process that should run. */
    add: ({ reason, permanent }: ExitExplanation): AfterExit => {
      if (permanent) return { kind: 'fail', reason }
      crashTimesMs.push(now())
      const decision = decideRestart(policy, crashTimesMs, now(), random)
      if (decision.kind === 'restart') {
        restarts += 1
        return decision
      }
      const minutes = Math.round(decision.windowMs / 60_000)
      const gaveUp = `gave up after ${decision.crashes} crashes in ${minutes} minutes`
      return { kind: 'fail', reason: `${gaveUp}: ${reason}` }
    },
    /** The user starts it again: earlier crashes no longer count. */
    forget: () => {
      crashTimesMs = []
      restarts = 0
    },
  }
}
