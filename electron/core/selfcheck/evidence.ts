// What was really printed: kept by each probe, for the report and to become fixtures.
import type { CommandResult, RunCommand } from '../platform/run-command.ts'

export type Evidence =
  | { readonly kind: 'command'; readonly argv: readonly string[]; readonly result: CommandResult }
  | { readonly kind: 'text'; readonly source: string; readonly what: string; readonly text: string }

/** The same runner, telling each command with its result. */
export const recordCommands =
  (run: RunCommand, onEvidence: (evidence: Evidence) => void): RunCommand =>
  async (argv, options) => {
    const result = await run(argv, options)
    onEvidence({ kind: 'command', argv, result })
    return result
  }
