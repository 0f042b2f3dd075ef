// Changing the settings and keys, and following the settings while nothing runs.
import { isDeepStrictEqual } from 'node:util'
import type { Outcome } from '../../contract/command.ts'
import { changeDeveloperKey, ownConfigReason } from '../access/developer-keys-file.ts'
import { messageOf } from '../base/error-message.ts'
import { chooseProfile } from '../config/profiles.ts'
import { readIntent } from '../stack/intent.ts'
import { refuse } from '../stack/profile-refusal.ts'
import type { CommandedCore, CommandOf } from './commanded-core.ts'
import type { Orders } from './orders.ts'
import { isAllStopped } from './stop-command.ts'

export const createSettingsCommands = (core: CommandedCore, orders: Orders) => {
  const { folder, platform, settings, assembly } = core

  /** While nothing runs, switches to the profile that a start would take, so that views show it. */
  const follow = async (): Promise<void> => {
    const { profileName, profile, stack } = assembly()
    const { ramDisk } = stack.states()
    if (core.isEnding() || core.isBringingBack() || orders.restarting.size > 0 || !isAllStopped(core)) return
    const chosen = chooseProfile(settings.current(), null, folder.runtimeDir)
    if (chosen.name === profileName && isDeepStrictEqual(chosen.profile, profile)) return
    // A mounted disk belongs to the profile that mounted it, until it is ejected.
    const isSameDisk = isDeepStrictEqual(chosen.profile.ramDisk, profile.ramDisk)
    if (ramDisk.phase !== 'stopped' && !(ramDisk.phase === 'ready' && isSameDisk)) return
    await core.takeProfile(chosen)
    // So that the next core shows the same; without an intent it follows the settings anyway.
    if (readIntent(folder.intentPath) !== null) orders.remember(orders.wanted())
  }

  return {
    follow,
    configure: async (command: CommandOf<'configure'>): Promise<Outcome> => {
      const totalMemoryBytes = await platform.readTotalMemoryBytes()
      const outcome = settings.configure(command.config, command.revision, totalMemoryBytes)
      if (!outcome.accepted) return outcome
      core.note('info', 'Settings changed')
      await follow().catch((error: unknown) => core.note('critical', messageOf(error)))
      return outcome
    },
    changeKey: (command: CommandOf<'key'>): Outcome => {
      if (assembly().profile.proxy.configPath !== null) return refuse(ownConfigReason)
      try {
        return changeDeveloperKey(folder.keysDir, command)
      } catch (error) {
        return refuse(messageOf(error))
      }
    },
  }
}
