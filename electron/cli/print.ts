// How a command answers: one JSON document with --json, else lines for people.
import { type CliContext, exitCodes } from './context.ts'

/** Returns the exit code of success. */
export const printAnswer = (
  { print }: Pick<CliContext, 'print'>,
  json: boolean,
  document: unknown,
  lines: readonly string[],
): number => {
  if (json) print(JSON.stringify(document, null, 2))
  else for (const line of lines) print(line)
  return exitCodes.done
}

/** With --json, run-command.ts also prints the reason as a document. */
export const fail = (
  { printError }: Pick<CliContext, 'printError'>,
  reason: string,
  code: number = exitCodes.failed,
): number => {
  printError(reason)
  return code
}
