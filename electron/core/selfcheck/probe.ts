// What one probe of the selfcheck is, and what it works with.
import type { RunCommand } from '../platform/run-command.ts'

export const probeGroups = [
  'System',
  'Build Forge',
  'Processes and ports',
  'Readings',
  'launchd',
  'AI Engine and Router',
  'App',
] as const
export type ProbeGroup = (typeof probeGroups)[number]

export const probeVerdicts = ['pass', 'fail', 'not-applicable'] as const
export type ProbeVerdict = (typeof probeVerdicts)[number]

export interface Finding {
  readonly verdict: ProbeVerdict
  /** What was seen, with its numbers; for `not-applicable` the reason. */
  readonly found: string
}

export const pass = (found: string): Finding => ({ verdict: 'pass', found })
export const fail = (found: string): Finding => ({ verdict: 'fail', found })
export const notApplicable = (found: string): Finding => ({ verdict: 'not-applicable', found })

/** Removes one thing that a probe made. */
export interface Undo {
  /** What would be left behind, for people: "the RAM disk at /Volumes/X". */
  readonly what: string
  /** Removes it by hand. */
  readonly command: string
  /** Idempotent; rejects when the thing is still there. */
  undo(): Promise<void>
}

export interface ProbeTools {
  /** Aborted when the run is interrupted and when the probe's time is over. */
  readonly signal: AbortSignal
  /** Keeps what the command printed for the report and for fixtures. */
  readonly run: RunCommand
  /** Keeps a text that no command printed, such as a log: `source` is the fixture folder, `what` its file's name. */
  keep(source: string, what: string, text: string): void
  /** Runs when the probe is over, last one first, however it ends. Register before making the thing. */
  defer(undo: Undo): void
  /** The same when the whole run is over: for what later probes need. */
  deferToEnd(undo: Undo): void
}

export interface Probe {
  readonly id: string
  readonly group: ProbeGroup
  /** The assumption in one sentence, without a full stop. */
  readonly assumed: string
  readonly limitMs: number
  /** Set-up that may download: its time is not part of the run's own. */
  readonly isUntimed?: boolean
  /** A thrown error is a failure with its message. */
  run(tools: ProbeTools): Promise<Finding>
}
