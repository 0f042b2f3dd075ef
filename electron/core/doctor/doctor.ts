// The doctor: picks a profile, runs every check on it and returns the report. Read-only; sends no request to the model.

import type { Config } from '../../contract/config.ts'
import { quoteForShell } from '../../wording/shell-quote.ts'
import { messageOf } from '../base/error-message.ts'
import { readFileOrNull } from '../base/private-file.ts'
import { ConfigError, defaultConfig, parseConfig } from '../config/config.ts'
import { chooseProfile } from '../config/profiles.ts'
import type { StateFolder } from '../config/state-folder.ts'
import { readIntent } from '../stack/intent.ts'
import { readLiveServices } from '../stack/live-services.ts'
import { runChecks } from './check.ts'
import { checksOnCargo } from './checks-on-cargo.ts'
import { checksOnClients } from './checks-on-clients.ts'
import { checksOnConfig } from './checks-on-config.ts'
import { checksOnCore } from './checks-on-core.ts'
import { checksOnEngine } from './checks-on-engine.ts'
import { checksOnForge } from './checks-on-forge.ts'
import { checksOnKeys } from './checks-on-keys.ts'
import { checksOnMac } from './checks-on-mac.ts'
import { checksOnMachine } from './checks-on-machine.ts'
import { checksOnMemory } from './checks-on-memory.ts'
import { checksOnPorts } from './checks-on-ports.ts'
import { checksOnReach } from './checks-on-reach.ts'
import { checksOnRouter } from './checks-on-router.ts'
import { checksOnTools } from './checks-on-tools.ts'
import { type ConfigState, createDoctorFacts, type DoctorContext } from './facts.ts'

const allChecks = [
  ...checksOnConfig,
  ...checksOnCore,
  ...checksOnEngine,
  ...checksOnTools,
  ...checksOnMemory,
  ...checksOnPorts,
  ...checksOnReach,
  ...checksOnKeys,
  ...checksOnRouter,
  ...checksOnClients,
  ...checksOnForge,
  ...checksOnCargo,
  ...checksOnMachine,
  ...checksOnMac,
]

/** Keeps the whole command under 3 s, including the start of Node and the work before the checks. */
const checksTimeoutMs = 2_300

export interface DoctorRequest
  extends Pick<DoctorContext, 'folder' | 'platform' | 'resourcesDir' | 'env' | 'homeDir' | 'run'> {
  /** A profile's name or file; null: the running profile, else the one nexus up would choose. */
  readonly requestedProfile: string | null
}

export type Examination = Awaited<ReturnType<typeof examine>>

/** Throws ConfigError when the requested profile cannot be read. */
export const examine = async (request: DoctorRequest) => {
  const { config, state } = readConfigState(request.folder)
  const picked = await pickProfile(request, config)
  const { name, because } = picked.chosen
  const upCommand = findUpCommand(name, config, request)
  const facts = createDoctorFacts({ ...request, ...picked, config, configState: state, upCommand })
  return { profile: name, because, ...(await runChecks(allChecks, facts, checksTimeoutMs)) }
}

/** Leaves --profile out when nexus up would choose this profile anyway. */
const findUpCommand = (name: string, config: Config, { folder }: DoctorRequest): string => {
  const explicit = `nexus up --profile ${quoteForShell(name)}`
  try {
    return chooseProfile(config, null, folder.runtimeDir).name === name ? 'nexus up' : explicit
  } catch {
    return explicit
  }
}

/** Unlike readConfig, does not save the last good config: the doctor writes nothing. */
export const readConfigState = (
  folder: Pick<StateFolder, 'configPath' | 'lastGoodConfigPath'>,
): { readonly config: Config; readonly state: ConfigState } => {
  try {
    const text = readFileOrNull(folder.configPath)
    return text === null
      ? { config: defaultConfig, state: { kind: 'absent' } }
      : { config: parseConfig(text, folder.configPath), state: { kind: 'valid' } }
  } catch (error) {
    const lastGood = readLastGood(folder.lastGoodConfigPath)
    const state = { kind: 'broken', problems: problemsIn(error), hasLastGood: lastGood !== null } as const
    return { config: lastGood ?? defaultConfig, state }
  }
}

const readLastGood = (path: string): Config | null => {
  try {
    const text = readFileOrNull(path)
    return text === null ? null : parseConfig(text, path)
  } catch {
    return null
  }
}

const problemsIn = (error: unknown): readonly string[] =>
  error instanceof ConfigError ? error.problems : [messageOf(error)]

const pickProfile = async (
  { folder, platform, requestedProfile }: DoctorRequest,
  config: Config,
): Promise<Pick<DoctorContext, 'chosen' | 'problems'>> => {
  if (requestedProfile !== null) {
    const chosen = chooseProfile(config, requestedProfile, folder.runtimeDir)
    return { chosen, problems: [] }
  }
  const intent = readIntent(folder.intentPath)
  if (intent !== null) {
    const live = await readLiveServices(folder, platform.processes)
    // Even if that start failed: examine the profile that failed, not the one nexus up would choose next.
    if (live.length > 0 || intent.up.some((id) => id !== 'ramDisk')) {
      const because = live.length > 0 ? 'running now' : 'started last'
      return { chosen: { name: intent.profileName, profile: intent.profile, because }, problems: [] }
    }
  }
  try {
    return { chosen: chooseProfile(config, null, folder.runtimeDir), problems: [] }
  } catch (error) {
    const chosen = {
      ...chooseProfile(defaultConfig, 'demo', folder.runtimeDir),
      because: 'the configured profile cannot be read',
    }
    return { chosen, problems: problemsIn(error) }
  }
}
