// `nexus doctor`: every check, with the command that fixes what it finds. Changes nothing.
import { homedir } from 'node:os'
import { examine } from '../../core/doctor/doctor.ts'
import { createCommandRunner } from '../../core/platform/run-command.ts'
import type { CommandNamed } from '../arguments.ts'
import { readHost } from '../attach.ts'
import { type CliContext, exitCodes, printAnswer } from '../context.ts'
import { absoluteRequest } from '../profile-choice.ts'
import { renderDoctor } from '../view/doctor-view.ts'

/** 1 when a check fails; warnings leave it at 0. */
export const runDoctor = async (command: CommandNamed<'doctor'>, context: CliContext): Promise<number> => {
  const host = command.profile === null ? await readHost(context) : null
  if (host !== null)
    context.printError(
      `${host}'s stack runs here, and you are its guest; the checks below are for a stack of your own. The Nexus window shows the checks of ${host}'s core.`,
    )
  const { profile, because, checks, summary } = await examine({
    ...context,
    homeDir: homedir(),
    run: createCommandRunner(),
    requestedProfile: absoluteRequest(command.profile),
  })
  const code = summary.fail > 0 ? exitCodes.failed : exitCodes.done
  printAnswer(context, command.json, { profile, because, checks, summary }, [
    `Profile ${profile}: ${because}.\n`,
    ...renderDoctor({ checks, summary }, context),
  ])
  // A hanging program or name lookup would keep this process alive, though all is done.
  setTimeout(() => process.exit(code), 50).unref()
  return code
}
