// The input and the result of the storm's parts.

export interface StormSize {
  readonly kills: { readonly mostKills: number; readonly lanes: number; readonly budgetMs: number }
  readonly hostile: { readonly inputs: number; readonly budgetMs: number; readonly floodMs: number }
  readonly endurance: { readonly seconds: number; readonly clients: number; readonly bodies: number }
}

export interface StormPart {
  readonly root: string
  readonly seed: number
  readonly size: StormSize
  readonly signal: AbortSignal
  /** Only this round; null: all. */
  readonly onlyCase: number | null
  /** Only this target; null: all. */
  readonly onlyTarget: string | null
}

export interface StormFailure {
  /** As `--case` takes it. */
  readonly case: string
  readonly what: string
  readonly reasons: readonly string[]
}

export interface StormReport {
  /** One line. */
  readonly figures: string
  readonly failures: readonly StormFailure[]
}
