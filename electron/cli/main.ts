// Entry of the `nexus` command: the context, the command, the exit code.
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { locateStateFolder } from '../core/config/state-folder.ts'
import { createPlatform } from '../core/platform/detect-platform.ts'
import { type CliContext, exitCodes } from './context.ts'
import { forTerminal, watchOutput } from './output.ts'
import { runToEnd, type Voice } from './run-command.ts'

const output = watchOutput({
  stdout: process.stdout,
  stderr: process.stderr,
  // A closed pipe may show up only after the command has ended; then the command's own exit code counts.
  exit: (code) => process.exit(code === exitCodes.done ? (process.exitCode ?? code) : code),
})

/** no-color.org and force-color.org: set and not empty. */
const readColor = (
  env: Readonly<Record<string, string | undefined>>,
  stdout: { readonly isTTY?: boolean },
): boolean => (stdout.isTTY === true || Boolean(env['FORCE_COLOR'])) && !env['NO_COLOR']

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
    color,
    width: stdout.columns ?? 80,
    ...voice,
    onOutputLost: output.onLost,
  }
}

const color = readColor(process.env, process.stdout)
const voice: Voice = {
  print: (line) => void process.stdout.write(`${forTerminal(line, color)}\n`),
  printError: (line) => void process.stderr.write(`${forTerminal(line, color)}\n`),
}
process.exitCode = output.conclude(await runToEnd(process.argv.slice(2), voice, createContext))
