// Entry of the `nexus` command: the context, the command, the exit code.

import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { messageOf } from '../core/error-message.ts'
import { createPlatform } from '../core/platform/detect-platform.ts'
import { locateStateFolder } from '../core/state-folder.ts'
import { parseArguments } from './arguments.ts'
import { type CliContext, exitCodes } from './context.ts'
import { runCommand } from './run-command.ts'
import { UsageError } from './usage-error.ts'

const createContext = (): CliContext => {
  const { env, stdout } = process
  const folder = locateStateFolder(env, process.platform, homedir())
  const entryPath = process.argv[1] ?? ''
  return {
    folder,
    platform: createPlatform({ ramDiskRoot: folder.ramDiskRoot }),
    resourcesDir: join(env['NEXUS_ROOT'] ?? dirname(dirname(entryPath)), 'resources'),
    env,
    entryPath,
    stdoutIsTerminal: stdout.isTTY === true,
    // no-color.org and force-color.org: set and not empty.
    color: (stdout.isTTY === true || Boolean(env['FORCE_COLOR'])) && !env['NO_COLOR'],
    width: stdout.columns ?? 80,
    print: (line) => void stdout.write(`${line}\n`),
    printError: (line) => void process.stderr.write(`${line}\n`),
  }
}

const main = async (): Promise<number> => {
  try {
    const command = parseArguments(process.argv.slice(2))
    return await runCommand(command, createContext())
  } catch (error) {
    process.stderr.write(`nexus: ${messageOf(error)}\n`)
    return error instanceof UsageError ? exitCodes.usage : exitCodes.failed
  }
}

// `nexus status | head` closes the pipe early: that is the reader's good right, not an error.
process.stdout.on('error', () => process.exit(exitCodes.done))
process.exitCode = await main()
