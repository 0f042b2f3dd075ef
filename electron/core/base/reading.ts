/** A value and when it was read, in ms since the epoch. */
export interface Reading<T> {
  readonly value: T
  readonly takenAt: number
}

/** A reading from the future was taken before the clock was set back, so its age is unknown. */
export const isRecent = (takenAt: number, now: number, maxAgeMs: number): boolean =>
  takenAt <= now && now - takenAt <= maxAgeMs
