// From command line to exit code. With --json, a command that fails prints one document too.
import { z } from 'zod'
import { ConfigSchema } from '../contract/config.ts'
import { messageOf } from '../core/base/error-message.ts'
import { type CliCommand, type CommandNamed, parseArguments } from './arguments.ts'
import { detachCore } from './attach.ts'
import { UsageError } from './command-line.ts'
import { runAgentsFile } from './commands/agents-file.ts'
import { runApp } from './commands/app.ts'
import { runBenchModel } from './commands/bench-model.ts'
import { runClients } from './commands/clients.ts'
import { runDoctor } from './commands/doctor.ts'
import { runDown } from './commands/down.ts'
import { runForge } from './commands/forge.ts'
import { runKey } from './commands/key.ts'
import { runLogs } from './commands/logs.ts'
import { runModel } from './commands/model.ts'
import { runModels } from './commands/models.ts'
import { runPlan } from './commands/plan.ts'
import { runRestart } from './commands/restart.ts'
import { runSelfcheckCommand } from './commands/selfcheck.ts'
import { serveCore } from './commands/serve.ts'
import { runService } from './commands/service.ts'
import { runStatus } from './commands/status.ts'
import { runTraefik } from './commands/traefik.ts'
import { runTryClaude } from './commands/try-claude.ts'
import { runUp } from './commands/up.ts'
import { type CliContext, exitCodes } from './context.ts'
import { renderHelp } from './help.ts'
import { readVersion } from './version.ts'

type Name = CliCommand['name']
type Commands = { readonly [Each in Name]: CommandNamed<Each> }
type Runners = {
  readonly [Each in Name]: (command: Commands[Each], context: CliContext) => number | Promise<number>
}

const say = (context: CliContext, ...lines: readonly string[]): number => {
  for (const line of lines) context.print(line)
  return exitCodes.done
}

const runners: Runners = {
  up: runUp,
  down: runDown,
  restart: runRestart,
  status: runStatus,
  logs: runLogs,
  plan: runPlan,
  models: runModels,
  doctor: runDoctor,
  selfcheck: runSelfcheckCommand,
  app: (_, context) => runApp(context),
  clients: runClients,
  key: runKey,
  'agents-file': runAgentsFile,
  traefik: runTraefik,
  model: runModel,
  forge: runForge,
  bench: runBenchModel,
  'try-claude': runTryClaude,
  serve: (command, context) => (command.detach ? detachCore(context) : serveCore(context, command)),
  service: runService,
  'config-schema': (_, context) =>
    say(context, JSON.stringify(z.toJSONSchema(ConfigSchema, { io: 'input' }), null, 2)),
  help: ({ about }, context) => say(context, ...renderHelp(about, context.width)),
  version: (_, context) => say(context, readVersion(context.resourcesDir)),
}

const dispatch = <Each extends Name>(name: Each, command: Commands[Each], context: CliContext) =>
  runners[name](command, context)

/** Returns the exit code. Throws an Error whose message is for the user. */
export const runCommand = async (command: CliCommand, context: CliContext): Promise<number> =>
  dispatch(command.name, command, context)

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
