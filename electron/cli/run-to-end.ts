// From command line to exit code. With --json, a command that fails prints one document too.
import { messageOf } from '../core/base/error-message.ts'
import { type CliCommand, parseArguments } from './arguments.ts'
import { type CliContext, exitCodes } from './context.ts'
import { runCommand } from './run-command.ts'
import { UsageError } from './usage-error.ts'

export type Voice = Pick<CliContext, 'print' | 'printError'>

/** Never throws: prints errors to stderr, and with --json also to stdout unless a document is there already. */
export const runToEnd = async (
  argv: readonly string[],
  voice: Voice,
  createContext: (voice: Voice) => CliContext,
  run: typeof runCommand = runCommand,
): Promise<number> => {
  let command: CliCommand | null = null
  let hasPrinted = false
  let lastSaid = 'it failed without a reason'
  const heard: Voice = {
    print: (line) => {
      hasPrinted = true
      voice.print(line)
    },
    printError: (line) => {
      lastSaid = line
      voice.printError(line)
    },
  }
  const conclude = (code: number): number => {
    const owesDocument = command !== null && 'json' in command && command.json && !hasPrinted
    if (owesDocument && code !== exitCodes.done) voice.print(JSON.stringify({ error: lastSaid }))
    return code
  }
  try {
    command = parseArguments(argv)
    return conclude(await run(command, createContext(heard)))
  } catch (error) {
    lastSaid = messageOf(error)
    voice.printError(`nexus: ${lastSaid}`)
    return conclude(error instanceof UsageError ? exitCodes.usage : exitCodes.failed)
  }
}
