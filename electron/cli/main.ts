// Entry of the `nexus` command: the context, the command, the exit code.

import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { createPlatform } from '../core/platform/detect-platform.ts'
import { locateStateFolder } from '../core/state-folder.ts'
import { type CliContext, exitCodes } from './context.ts'
import { watchOutput } from './output.ts'
import { runToEnd, type Voice } from './run-to-end.ts'

const output = watchOutput({
  stdout: process.stdout,
  stderr: process.stderr,
  // A pipe may be found closed only after the command has ended, and then how that ended counts.
  exit: (code) => process.exit(code === exitCodes.done ? (process.exitCode ?? code) : code),
})

const createContext = (voice: Voice): CliContext => {
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
    ...voice,
    onOutputLost: output.onLost,
  }
}

const voice: Voice = {
  print: (line) => void process.stdout.write(`${line}\n`),
  printError: (line) => void process.stderr.write(`${line}\n`),
}
process.exitCode = output.conclude(await runToEnd(process.argv.slice(2), voice, createContext))
