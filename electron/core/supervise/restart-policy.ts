// When a crashed service is started again, and when to give up: pure arithmetic over its crash times.

export interface RestartPolicy {
  /** Wait before the restart that follows the nth crash of a burst; the last one is for all further crashes. */
  readonly delaysMs: readonly number[]
  /** Each wait is lengthened by up to this share of itself, so that two services do not fall in step. */
  readonly jitter: number
  /** This many crashes within `windowMs` is a burst: give up. */
  readonly giveUpAfter: number
  readonly windowMs: number
}

/** First restart at once (a glitch costs nobody anything), then 1, 2, 4 ... 60 s; five crashes in ten minutes end it. */
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
 * @param crashTimesMs times of all crashes since the user last started the service, oldest first, the newest included
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
