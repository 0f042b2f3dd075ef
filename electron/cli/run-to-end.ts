// From the words of a command line to an exit code: also of a command that fails, and with --json in one document.
import { messageOf } from '../core/base/error-message.ts'
import { type CliCommand, parseArguments } from './arguments.ts'
import { type CliContext, exitCodes } from './context.ts'
import { runCommand } from './run-command.ts'
import { UsageError } from './usage-error.ts'

export type Voice = Pick<CliContext, 'print' | 'printError'>

/** Throws nothing: what went wrong is said on stderr, and with --json on stdout too unless a document is there already. */
export const runToEnd = async (
  argv: readonly string[],
  voice: Voice,
  createContext: (voice: Voice) => CliContext,
  run: typeof runCommand = runCommand,
): Promise<number> => {
  let command: CliCommand | null = null
  let hasPrinted = false
  let lastSaid = 'it failed, and did not say why'
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
