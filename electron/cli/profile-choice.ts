// The profile that a command works on, as the core would choose it.
import { resolve } from 'node:path'
import { ConfigError, judgeProfile, readConfig } from '../core/config.ts'
import { type ChosenProfile, chooseProfile } from '../core/profiles.ts'
import type { CliContext } from './context.ts'

/** Reads the config and picks the profile; refuses impossible values before anything starts. Throws ConfigError. */
export const readChosenProfile = async (
  context: CliContext,
  requested: string | null,
): Promise<ChosenProfile> => {
  const { folder, platform } = context
  const config = readConfig(folder.configPath, folder.lastGoodConfigPath)
  const chosen = chooseProfile(config, absoluteRequest(requested), folder.runtimeDir)
  const problems = judgeProfile(chosen.profile, await platform.readTotalMemoryBytes())
  if (problems.length > 0) throw new ConfigError(`profile ${chosen.name}`, problems)
  return chosen
}

/** A background core has another working folder, so a relative profile file is made absolute here. */
export const absoluteRequest = (requested: string | null): string | null =>
  requested !== null && (requested.includes('/') || requested.endsWith('.json'))
    ? resolve(requested)
    : requested
