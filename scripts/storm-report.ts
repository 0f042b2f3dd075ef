// The input and the result of the storm's parts.

export interface StormSize {
  /** Kills in all, on so many stacks side by side, and when it stops all the same. */
  readonly kills: number
  readonly lanes: number
  readonly killsMs: number
  /** Hostile inputs in all, the time for those through a core's doors, and for the flood of guests. */
  readonly inputs: number
  readonly doorsMs: number
  readonly floodMs: number
  /** Load, its clients, and the hostile bodies before it. */
  readonly seconds: number
  readonly clients: number
  readonly bodies: number
}

export interface StormPart {
  readonly root: string
  readonly seed: number
  readonly size: StormSize
  readonly signal: AbortSignal
  /** Only this round or target; null: all. */
  readonly only: string | null
}

export interface StormFailure {
  /** The round or target, as `--case PART:` takes it; null: it belongs to none. */
  readonly case: string | null
  readonly what: string
  readonly reasons: readonly string[]
}

export interface StormReport {
  /** One line. */
  readonly figures: string
  readonly failures: readonly StormFailure[]
}
