// The services of the profile in use, and replacing them with another profile's.

import { existsSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import type { Profile } from '../../contract/profile.ts'
import { ensureKeys } from '../access/keys.ts'
import { messageOf } from '../base/error-message.ts'
import { type ChosenProfile, chooseProfile } from '../config/profiles.ts'
import type { Settings } from '../config/settings.ts'
import type { AssemblyOptions } from '../stack/assembly-options.ts'
import { readIntent } from '../stack/intent.ts'
import { assembleServices, type ServiceAssembly } from '../stack/service-assembly.ts'

export type StackInUseOptions = Omit<AssemblyOptions, 'profileName' | 'profile'> & {
  readonly settings: Settings
  /** Called when another profile's services are assembled but not adopted yet. */
  readonly onTaken: (profile: Profile) => void
}

/** Begins with the profile of the last start, else with the one that a start would take. */
export const createStackInUse = (options: StackInUseOptions) => {
  const { folder, platform, settings, logError } = options

  /** Updates the agents' files in the developers' projects. Without installed files it costs one stat. */
  const refreshAgentsFiles = async (profileName: string, profile: Profile): Promise<void> => {
    if (!existsSync(folder.agentsFilesPath)) return
    try {
      const { refreshAgentsFiles } = await import('../agents-file/agents-file.ts')
      const context = { folder, platform, profileName, profile, engineIsReady: false }
      for (const reason of await refreshAgentsFiles(context)) logError(new Error(reason))
    } catch (error) {
      logError(new Error(messageOf(error)))
    }
  }

  const assemble = (name: string, profile: Profile): ServiceAssembly => {
    void refreshAgentsFiles(name, profile)
    return assembleServices({ ...options, profileName: name, profile })
  }

  const intent = readIntent(folder.intentPath)
  const first =
    intent === null
      ? chooseProfile(settings.current(), null, folder.runtimeDir)
      : { name: intent.profileName, profile: intent.profile }
  let assembly = assemble(first.name, first.profile)

  return {
    current: () => assembly,
    /** The profile that runs, is starting or has failed: the one that questions are about. null: nothing runs. */
    running: (): ChosenProfile | null => {
      const { llamaServer, proxy } = assembly.stack.states()
      if (llamaServer.phase === 'stopped' && proxy.phase === 'stopped') return null
      return { name: assembly.profileName, profile: assembly.profile, because: 'it runs now' }
    },
    /** Replaces the current services with those of another profile and adopts what runs of them. */
    take: async ({ name, profile }: Pick<ChosenProfile, 'name' | 'profile'>): Promise<void> => {
      // First, because it throws on a damaged list of clients, and this core must not keep a closed assembly.
      ensureKeys(folder.keysDir, profile.proxy.clientKey)
      await assembly.stack.releaseGateway(isSameGateway(assembly.profile, profile))
      await assembly.close()
      assembly = assemble(name, profile)
      options.onTaken(profile)
      await assembly.stack.adopt()
    },
  }
}

/** Whether the running gateway also fits the next profile: it only forwards to the Router's address. */
const isSameGateway = (running: Profile, next: Profile): boolean =>
  isDeepStrictEqual(running.gateway, next.gateway) &&
  running.proxy.host === next.proxy.host &&
  running.proxy.port === next.proxy.port
