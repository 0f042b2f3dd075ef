// Dispatches a parsed command.
import { z } from 'zod'
import { ConfigSchema } from '../contract/config.ts'
import type { CliCommand } from './arguments.ts'
import { detachCore } from './attach.ts'
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
import { runSelfcheckAsJob } from './commands/selfcheck-as-job.ts'
import { runService } from './commands/service.ts'
import { runStatus } from './commands/status.ts'
import { runTraefik } from './commands/traefik.ts'
import { runTryClaude } from './commands/try-claude.ts'
import { runUp } from './commands/up.ts'
import { type CliContext, exitCodes } from './context.ts'
import { renderHelp } from './help.ts'
import { serveCore } from './host.ts'
import { readVersion } from './version.ts'

/** Returns the exit code. Throws an Error whose message is for the user. */
export const runCommand = async (command: CliCommand, context: CliContext): Promise<number> => {
  switch (command.name) {
    case 'up':
      return runUp(command, context)
    case 'down':
      return runDown(command, context)
    case 'restart':
      return runRestart(command, context)
    case 'status':
      return runStatus(command, context)
    case 'logs':
      return runLogs(command, context)
    case 'plan':
      return runPlan(command, context)
    case 'models':
      return runModels(command, context)
    case 'doctor':
      return runDoctor(command, context)
    case 'clients':
      return runClients(command, context)
    case 'key':
      return runKey(command, context)
    case 'model':
      return runModel(command, context)
    case 'agents-file':
      return runAgentsFile(command, context)
    case 'traefik':
      return runTraefik(command, context)
    case 'forge':
      return runForge(command, context)
    case 'service':
      return runService(command, context)
    case 'serve':
      return command.detach ? detachCore(context) : serveCore(context, command)
    case 'bench':
      return runBenchModel(command, context)
    case 'try-claude':
      return runTryClaude(command, context)
    case 'selfcheck':
      return command.as === null
        ? runSelfcheckCommand(command, context)
        : runSelfcheckAsJob(command, command.as, context)
    case 'app':
      return runApp(context)
    case 'config-schema':
      context.print(JSON.stringify(z.toJSONSchema(ConfigSchema, { io: 'input' }), null, 2))
      return exitCodes.done
    case 'version':
      context.print(readVersion(context.resourcesDir))
      return exitCodes.done
    case 'help':
      for (const line of renderHelp(context.width)) context.print(line)
      return exitCodes.done
  }
}
