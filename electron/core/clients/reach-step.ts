// One step on the way from a client to the model: what was found, and what to do when it ends there.

export const reachStepIds = ['address', 'name', 'connection', 'router', 'key', 'model'] as const
export type ReachStepId = (typeof reachStepIds)[number]

export interface ReachStep {
  readonly id: ReachStepId
  /** `warn`: goes on, but not as it should. `skipped`: an earlier step ended the way. */
  readonly level: 'ok' | 'warn' | 'fail' | 'skipped'
  readonly found: string
  /** What to do, in sentences; null when nothing is to be done. */
  readonly mend: string | null
  /** How long it took; null where that says nothing. */
  readonly milliseconds: number | null
}

export type ReachVerdict = Pick<ReachStep, 'level' | 'found' | 'mend'>

export const reached = (found: string): ReachVerdict => ({ level: 'ok', found, mend: null })
export const doubtful = (found: string, mend: string): ReachVerdict => ({ level: 'warn', found, mend })
export const blocked = (found: string, mend: string): ReachVerdict => ({ level: 'fail', found, mend })

/** The code of a system, DNS, TLS or HTTP error, such as ECONNREFUSED; empty when it has none. */
export const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
