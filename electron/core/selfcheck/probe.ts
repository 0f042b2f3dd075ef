// A probe of the selfcheck, and its tools.
import { type CommandResult, describeFailure, type RunCommand } from '../platform/run-command.ts'

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
  /** The observation, with its numbers; for `not-applicable` the reason. */
  readonly found: string
}

export const pass = (found: string): Finding => ({ verdict: 'pass', found })
export const fail = (found: string): Finding => ({ verdict: 'fail', found })
/** Passes when the assumption holds; `otherwise` adds to what was found. */
export const judged = (holds: boolean, found: string, otherwise = ''): Finding =>
  holds ? pass(found) : fail(`${found}${otherwise}`)
export const notApplicable = (found: string): Finding => ({ verdict: 'not-applicable', found })

/** Removes one thing that a probe created. */
export interface Undo {
  /** Its name in messages: "the RAM disk at /Volumes/X". */
  readonly what: string
  /** Command to remove it by hand. */
  readonly command: string
  /** Idempotent; rejects if the thing is still there. */
  undo(): Promise<void>
}

/** A raw output, for the folder that a developer gets. */
export type Evidence =
  | { readonly kind: 'command'; readonly argv: readonly string[]; readonly result: CommandResult }
  | { readonly kind: 'text'; readonly source: string; readonly what: string; readonly text: string }

export interface ProbeTools {
  /** Aborted when the run is interrupted or the probe's time is up. */
  readonly signal: AbortSignal
  /** Records the command's output for the report and fixtures. */
  readonly run: RunCommand
  /** Records other text, such as a log: `source` is the fixture folder, `what` the file name. */
  keep(source: string, what: string, text: string): void
  /** Runs when the probe ends in any way, last registered first. Register before creating the thing. */
  defer(undo: Undo): void
  /** Like `defer`, but at the end of the whole run, for things that later probes need. */
  deferToEnd(undo: Undo): void
}

export interface Probe {
  readonly id: string
  readonly group: ProbeGroup
  /** The assumption in one sentence, without a full stop. */
  readonly assumed: string
  readonly limitMs: number
  /** May download: its time does not count toward the run's limit. */
  readonly isUntimed?: boolean
  /** A thrown error becomes a failure with its message. */
  run(tools: ProbeTools): Promise<Finding>
}

type Declare = (
  id: string,
  assumed: string,
  run: Probe['run'],
  more?: Partial<Pick<Probe, 'limitMs' | 'isUntimed'>>,
) => Probe

/** Declares the probes of a group. `limitMs`: for those that name no other. */
export const inGroup =
  (group: ProbeGroup, limitMs = 15_000): Declare =>
  (id, assumed, run, more) => ({ id, group, assumed, limitMs, run, ...more })

/** What the command printed. Throws why it did not exit with 0, which is then what the probe found. */
export const outputOf = async (
  run: RunCommand,
  argv: readonly [string, ...string[]],
  options?: Parameters<RunCommand>[1],
): Promise<string> => {
  const result = await run(argv, options)
  if (result.kind === 'exited' && result.exitCode === 0) return result.stdout
  // Not the whole command: it may hold a script.
  throw new Error(`${argv.slice(0, 2).join(' ')}: ${describeFailure(result)}`)
}
