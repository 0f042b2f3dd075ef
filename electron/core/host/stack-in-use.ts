// The services of the profile in use, and how another profile's take their place.
import { isDeepStrictEqual } from 'node:util'
import type { Profile } from '../../contract/profile.ts'
import { ensureKeys } from '../access/keys.ts'
import { tellAgents } from '../agents-file/tell-agents.ts'
import { type ChosenProfile, chooseProfile } from '../config/profiles.ts'
import type { Settings } from '../config/settings.ts'
import { readIntent } from '../stack/intent.ts'
import { type AssemblyOptions, assembleServices, type ServiceAssembly } from '../stack/service-assembly.ts'

export interface StackInUse {
  current(): ServiceAssembly
  /** The profile of what runs, also while it starts or has failed: what a question is about. null: nothing runs. */
  running(): ChosenProfile | null
  /** Another profile's services take the place of the present ones, and what runs of them is adopted. */
  take(chosen: Pick<ChosenProfile, 'name' | 'profile'>): Promise<void>
}

export type StackInUseOptions = Omit<AssemblyOptions, 'profileName' | 'profile'> & {
  readonly settings: Settings
  /** Another profile's services are there, and not adopted yet. */
  readonly onTaken: (profile: Profile) => void
}

/** Begins with the profile of what was last asked for, else with the one that a start would take. */
export const createStackInUse = (options: StackInUseOptions): StackInUse => {
  const { folder, platform, settings, logError } = options

  const assemble = (name: string, profile: Profile): ServiceAssembly => {
    void tellAgents({ folder, platform, profileName: name, profile }, logError)
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
    running: () => {
      const { llamaServer, proxy } = assembly.stack.states()
      if (llamaServer.phase === 'stopped' && proxy.phase === 'stopped') return null
      return { name: assembly.profileName, profile: assembly.profile, because: 'it runs now' }
    },
    take: async ({ name, profile }) => {
      // Throws over a broken list of clients, which must not leave this core with an assembly that is closed.
      ensureKeys(folder.keysDir, profile.proxy.clientKey)
      await assembly.stack.releaseGateway(isSameGateway(assembly.profile, profile))
      await assembly.close()
      assembly = assemble(name, profile)
      options.onTaken(profile)
      await assembly.stack.adopt()
    },
  }
}

/** Whether the gateway of the one would serve the other just as well: it is a door to the Router's address. */
const isSameGateway = (running: Profile, next: Profile): boolean =>
  isDeepStrictEqual(running.gateway, next.gateway) &&
  running.proxy.host === next.proxy.host &&
  running.proxy.port === next.proxy.port
