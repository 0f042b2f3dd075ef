// The raw outputs that probes record for the report and for fixtures.
import type { CommandResult, RunCommand } from '../platform/run-command.ts'

export type Evidence =
  | { readonly kind: 'command'; readonly argv: readonly string[]; readonly result: CommandResult }
  | { readonly kind: 'text'; readonly source: string; readonly what: string; readonly text: string }

/** Wraps a runner to report each command with its result. */
export const recordCommands =
  (run: RunCommand, onEvidence: (evidence: Evidence) => void): RunCommand =>
  async (argv, options) => {
    const result = await run(argv, options)
    onEvidence({ kind: 'command', argv, result })
    return result
  }
