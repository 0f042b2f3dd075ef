/** A value and when it was true, in ms since the epoch. */
export interface Reading<T> {
  readonly value: T
  readonly takenAt: number
}

/** What was read in the future was read before the clock was set back: its age is unknown. */
export const isRecent = (takenAt: number, now: number, maxAgeMs: number): boolean =>
  takenAt <= now && now - takenAt <= maxAgeMs
