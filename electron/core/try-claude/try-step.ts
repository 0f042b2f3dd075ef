// A step of a try with the real Claude Code: its inputs and results.
import type { Snapshot } from '../../contract/snapshot.ts'
import type { ClientLimits } from '../router/client-limits.ts'
import type { ClaudeHome, ClaudeRun } from './claude-run.ts'
import type { ForcedCall } from './forced-calls.ts'
import type { TryStepId } from './try-step-ids.ts'

export interface StepOutcome {
  readonly state: 'passed' | 'failed' | 'skipped'
  readonly seen: string
}

export interface StepReport extends StepOutcome {
  readonly id: string
  readonly title: string
  readonly milliseconds: number
}

export interface TriedDeveloper {
  readonly name: string
  readonly home: ClaudeHome
}

/** A home whose client may read and change files and run its task's commands without asking. */
export interface Worker {
  readonly home: ClaudeHome
  readonly isForced: boolean
  end(): Promise<void>
}

export interface TryStack {
  /** At least one, each with their own key. */
  readonly developers: readonly [TriedDeveloper, ...TriedDeveloper[]]
  /** A client with an unknown key. */
  readonly stranger: ClaudeHome
  readonly limits: ClientLimits
  readonly slots: number
  readonly ask: (home: ClaudeHome, prompt: string, sessionId?: string | null) => Promise<ClaudeRun>
  /** Another home with the same settings: conversations of one home have separate ids, but their files are not locked. */
  readonly another: (developer: TriedDeveloper) => ClaudeHome
  /** `calls` are forced, one per turn, on the demo stack, whose model is too small; a user's own model makes its own. */
  readonly worker: (
    developer: TriedDeveloper,
    calls: (projectDir: string) => readonly ForcedCall[],
  ) => Promise<Worker>
  /** Saves a client's output beyond the end of the try; returns the path. */
  readonly keepTranscript: (run: ClaudeRun) => string
  /** Calls `listener` with every new snapshot, about one a second. Returns the undo. */
  readonly watch: (listener: (snapshot: Snapshot) => void) => () => void
  /** Settles with the first snapshot that fits; null when none did in time or before `noLonger` was aborted. */
  readonly until: (
    fits: (snapshot: Snapshot) => boolean,
    timeoutMs: number,
    noLonger?: AbortSignal,
  ) => Promise<Snapshot | null>
  /** The refusal; null: it begins now. */
  readonly restartRouter: () => Promise<string | null>
}

export interface TryStep {
  readonly id: TryStepId
  readonly title: string
  /** Takes all slots or the Router from other users: skipped on a stack that was already running, unless asked for. */
  readonly disturbs: boolean
  readonly run: (stack: TryStack) => Promise<StepOutcome>
}

export const passed = (seen: string): StepOutcome => ({ state: 'passed', seen })
export const failed = (seen: string): StepOutcome => ({ state: 'failed', seen })
export const skipped = (seen: string): StepOutcome => ({ state: 'skipped', seen })

/** Why a run is no answer; null when it is one. Judged by the protocol alone: a small model talks nonsense. */
export const problemOf = (run: ClaudeRun): string | null => {
  const { result } = run
  if (run.timedOut) return 'it did not end in time'
  if (result === null)
    return `it ended with ${run.exitCode ?? 'a signal'} and without a result${run.complaint === '' ? '' : `: ${run.complaint}`}`
  if (result.isError) return result.text.split('\n')[0] || 'it failed without saying why'
  if (run.exitCode !== 0) return `it answered, but ended with ${run.exitCode ?? 'a signal'}`
  if (result.text.trim() === '') return 'its answer was empty'
  return null
}
