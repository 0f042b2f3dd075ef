// `nexus clients`: what each developer pastes into their shell.
import { buildClientGuide } from '../../core/clients.ts'
import { attachToCore } from '../../core/control/client.ts'
import { readIntent } from '../../core/intent.ts'
import { ensureKeys } from '../../core/keys.ts'
import { ensureStateFolder } from '../../core/state-folder.ts'
import type { CliCommand } from '../arguments.ts'
import { type CliContext, exitCodes } from '../context.ts'
import { readChosenProfile } from '../profile-choice.ts'

export const runClients = async (
  command: Extract<CliCommand, { name: 'clients' }>,
  context: CliContext,
): Promise<number> => {
  const guide = await readClientGuide(context)
  if (command.json) {
    context.print(JSON.stringify(guide, null, 2))
    return exitCodes.done
  }
  for (const user of guide.users) context.print(`${user.name}, ${user.shell}:\n\n${user.snippet}\n`)
  if (guide.warning !== null) context.print(`Note: ${guide.warning}.`)
  const running = await attachToCore(context.folder.socketPath)
  if (running === null) context.print('Nothing is running now: nexus up starts it.')
  running?.close()
  return exitCodes.done
}

/** For the profile that runs, or else for the one that would. */
export const readClientGuide = async (context: CliContext) => {
  ensureStateFolder(context.folder)
  const intent = readIntent(context.folder.intentPath)
  const profile =
    intent !== null && intent.up.length > 0
      ? intent.profile
      : (await readChosenProfile(context, null)).profile
  const { clientKey } = ensureKeys(context.folder.keysDir, profile.proxy.clientKey)
  return buildClientGuide(profile.proxy, clientKey, await context.platform.readLanAddresses())
}
