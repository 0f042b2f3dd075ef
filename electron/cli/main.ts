// Entry of the `nexus` command: the context, the command, the exit code.

import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { messageOf } from '../core/error-message.ts'
import { createPlatform } from '../core/platform/detect-platform.ts'
import { locateStateFolder } from '../core/state-folder.ts'
import { parseArguments } from './arguments.ts'
import { type CliContext, exitCodes } from './context.ts'
import { type Output, watchOutput } from './output.ts'
import { runCommand } from './run-command.ts'
import { UsageError } from './usage-error.ts'

const createContext = (output: Output): CliContext => {
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
    onOutputLost: output.onLost,
  }
}

const main = async (output: Output): Promise<number> => {
  try {
    const command = parseArguments(process.argv.slice(2))
    return await runCommand(command, createContext(output))
  } catch (error) {
    process.stderr.write(`nexus: ${messageOf(error)}\n`)
    return error instanceof UsageError ? exitCodes.usage : exitCodes.failed
  }
}

const output = watchOutput({
  stdout: process.stdout,
  stderr: process.stderr,
  // A pipe may be found closed only after the command has ended, and then how that ended counts.
  exit: (code) => process.exit(code === exitCodes.done ? (process.exitCode ?? code) : code),
})
process.exitCode = output.conclude(await main(output))
