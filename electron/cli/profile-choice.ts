// The profile that a command works on, as the core would choose it.
import { resolve } from 'node:path'
import type { Profile } from '../contract/profile.ts'
import { ConfigError, judgeProfile, readConfig } from '../core/config/config.ts'
import { type ChosenProfile, chooseProfile } from '../core/config/profiles.ts'
import { readIntent } from '../core/stack/intent.ts'
import type { CliContext } from './context.ts'

/** Reads the config and picks the profile, possible here or not. Throws ConfigError. */
export const readAnyProfile = ({ folder }: CliContext, requested: string | null): ChosenProfile => {
  const config = readConfig(folder.configPath, folder.lastGoodConfigPath)
  return chooseProfile(config, absoluteRequest(requested), folder.runtimeDir)
}

/** Refuses impossible values before anything starts. Throws ConfigError. */
export const readChosenProfile = async (
  context: CliContext,
  requested: string | null,
): Promise<ChosenProfile> => {
  const chosen = readAnyProfile(context, requested)
  const problems = judgeProfile(chosen.profile, await context.platform.readTotalMemoryBytes())
  if (problems.length > 0) throw new ConfigError(`profile ${chosen.name}`, problems)
  return chosen
}

/** The profile that runs, or else the one that would. Throws ConfigError. */
export const readPresentProfile = async (context: CliContext): Promise<Profile> => {
  const intent = readIntent(context.folder.intentPath)
  return intent !== null && intent.up.length > 0
    ? intent.profile
    : (await readChosenProfile(context, null)).profile
}

/** A background core has another working folder, so a relative profile file is made absolute here. */
export const absoluteRequest = (requested: string | null): string | null =>
  requested !== null && (requested.includes('/') || requested.endsWith('.json'))
    ? resolve(requested)
    : requested
