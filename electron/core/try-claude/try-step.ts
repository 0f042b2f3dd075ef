// What one step of a try with the real Claude Code works on, and what it may say.
import type { Snapshot } from '../../contract/snapshot.ts'
import type { ClientLimits } from '../router/client-limits.ts'
import type { ClaudeHome } from './claude-home.ts'
import type { ClaudeRun } from './claude-run.ts'
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

/** A home whose client may read and change files, and run the commands of its task, without being asked. */
export interface Worker {
  readonly home: ClaudeHome
  readonly isForced: boolean
  end(): Promise<void>
}

export interface TryStack {
  /** At least one; each with a key of their own. */
  readonly developers: readonly [TriedDeveloper, ...TriedDeveloper[]]
  /** Somebody with a key that nobody gave out. */
  readonly stranger: ClaudeHome
  readonly limits: ClientLimits
  readonly slots: number
  readonly ask: (home: ClaudeHome, prompt: string, sessionId?: string | null) => Promise<ClaudeRun>
  /** Another home with the same settings: conversations of one home are told apart, but their files are not locked. */
  readonly another: (developer: TriedDeveloper) => ClaudeHome
  /** `calls` are forced, one a turn, on the demo stack, whose model is too small; a person's own model makes its own. */
  readonly worker: (
    developer: TriedDeveloper,
    calls: (projectDir: string) => readonly ForcedCall[],
  ) => Promise<Worker>
  /** Keeps what a client said where it stays when the try is over; its path. */
  readonly keepTranscript: (run: ClaudeRun) => string
  /** Calls `listener` with every snapshot from now on, about one a second; the returned function ends that. */
  readonly watch: (listener: (snapshot: Snapshot) => void) => () => void
  /** Settles with the first snapshot that fits; null when none did in time, or before `noLonger` was aborted. */
  readonly until: (
    fits: (snapshot: Snapshot) => boolean,
    timeoutMs: number,
    noLonger?: AbortSignal,
  ) => Promise<Snapshot | null>
  /** Why it was refused; null: it begins now. */
  readonly restartRouter: () => Promise<string | null>
}

export interface TryStep {
  readonly id: TryStepId
  readonly title: string
  /** Takes all slots or the Router from those who work: not on a stack that was running already, unless asked for. */
  readonly disturbs: boolean
  readonly run: (stack: TryStack) => Promise<StepOutcome>
}

export const passed = (seen: string): StepOutcome => ({ state: 'passed', seen })
export const failed = (seen: string): StepOutcome => ({ state: 'failed', seen })
export const skipped = (seen: string): StepOutcome => ({ state: 'skipped', seen })

/** Why a run is no answer; null when it is one. By protocol alone: what a small model says is nonsense. */
export const problemOf = (run: ClaudeRun): string | null => {
  const { result } = run
  if (run.timedOut) return 'it did not end in time'
  if (result === null)
    return `it ended with ${run.exitCode ?? 'a signal'} and without a result${run.complaint === '' ? '' : `: ${run.complaint}`}`
  if (result.isError) return result.text.split('\n')[0] || 'it said it failed, and not why'
  if (run.exitCode !== 0) return `it answered, and ended with ${run.exitCode ?? 'a signal'}`
  if (result.text.trim() === '') return 'its answer was empty'
  return null
}

export const describeSeconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`
