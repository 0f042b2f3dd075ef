// The profile for a command, chosen as the core would, and the guides for its clients.
import { resolve } from 'node:path'
import type { Profile } from '../contract/profile.ts'
import { readClientGuides as readGuides } from '../core/clients/read-client-guides.ts'
import { ConfigError, judgeProfile, readConfig } from '../core/config/config.ts'
import { type ChosenProfile, chooseProfile } from '../core/config/profiles.ts'
import { ensureStateFolder } from '../core/config/state-folder.ts'
import { readIntent } from '../core/stack/intent.ts'
import type { CliContext } from './context.ts'

/** Reads the config and picks the profile, even one that can't run here. Throws ConfigError. */
export const readAnyProfile = ({ folder }: CliContext, requested: string | null): ChosenProfile => {
  const config = readConfig(folder.configPath, folder.lastGoodConfigPath)
  return chooseProfile(config, absoluteRequest(requested), folder.runtimeDir)
}

/** Rejects impossible values before anything starts. Throws ConfigError. */
export const readChosenProfile = async (
  context: CliContext,
  requested: string | null,
): Promise<ChosenProfile> => {
  const chosen = readAnyProfile(context, requested)
  const problems = judgeProfile(chosen.profile, await context.platform.readTotalMemoryBytes())
  if (problems.length > 0) throw new ConfigError(`profile ${chosen.name}`, problems)
  return chosen
}

/** The profile that should run now; null: nothing should. */
export const readRunningProfile = ({
  folder,
}: CliContext): Pick<ChosenProfile, 'name' | 'profile'> | null => {
  const intent = readIntent(folder.intentPath)
  return intent === null || intent.up.length === 0
    ? null
    : { name: intent.profileName, profile: intent.profile }
}

/** The running profile, else the one that would start. Throws ConfigError. */
export const readPresentProfile = async (context: CliContext): Promise<Profile> =>
  (readRunningProfile(context) ?? (await readChosenProfile(context, null))).profile

/** A background core has another working directory, so a relative profile path must become absolute. */
export const absoluteRequest = (requested: string | null): string | null =>
  requested !== null && (requested.includes('/') || requested.endsWith('.json'))
    ? resolve(requested)
    : requested

export const readClientGuides = async (context: CliContext) => {
  ensureStateFolder(context.folder)
  return readGuides(context, await readPresentProfile(context))
}
