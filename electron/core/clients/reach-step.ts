// One step from a client to the model: the result, and what to do when it fails.

export const reachStepIds = ['address', 'name', 'connection', 'router', 'key', 'model'] as const
export type ReachStepId = (typeof reachStepIds)[number]

export interface ReachStep {
  readonly id: ReachStepId
  /** `warn`: works, but not as it should. `skipped`: an earlier step failed. */
  readonly level: 'ok' | 'warn' | 'fail' | 'skipped'
  readonly found: string
  /** What to do, in sentences; null: nothing. */
  readonly mend: string | null
  /** Duration; null where it is meaningless. */
  readonly milliseconds: number | null
}

export type ReachVerdict = Pick<ReachStep, 'level' | 'found' | 'mend'>

export const reached = (found: string): ReachVerdict => ({ level: 'ok', found, mend: null })
export const doubtful = (found: string, mend: string): ReachVerdict => ({ level: 'warn', found, mend })
export const blocked = (found: string, mend: string): ReachVerdict => ({ level: 'fail', found, mend })

/** The code of a system, DNS, TLS or HTTP error, such as ECONNREFUSED; empty when it has none. */
export const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
