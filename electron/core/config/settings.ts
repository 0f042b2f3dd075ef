// The core's config: the one in use, the view for a window, and replacing it.
import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { Outcome } from '../../contract/command.ts'
import type { Config } from '../../contract/config.ts'
import type { Profile } from '../../contract/profile.ts'
import type { SettingsAnswer } from '../../contract/question.ts'
import { messageOf } from '../base/error-message.ts'
import { readFileOrNull } from '../base/private-file.ts'
import { type LogError, logToStderr } from '../logs/core-log.ts'
import { ConfigError, judgeProfile, readConfig, writeConfig } from './config.ts'
import { maskConfig, maskProfile, unmaskConfig } from './masked-config.ts'
import { builtinProfiles, type ChosenProfile, chooseProfile } from './profiles.ts'
import type { StateFolder } from './state-folder.ts'

export type Settings = ReturnType<typeof openSettings>

type Files = Pick<StateFolder, 'configPath' | 'lastGoodConfigPath' | 'runtimeDir'>

/** A core that takes over running services must not fail because the config is being edited. */
const readUsableConfig = (files: Files, logError: LogError): Config => {
  try {
    return readConfig(files.configPath, files.lastGoodConfigPath)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    logError(new Error(`${error.message}\nUsing the last good one.`))
    return readConfig(files.lastGoodConfigPath, files.lastGoodConfigPath)
  }
}

/** A hash of the file's content. */
const readRevision = (path: string): string => {
  const text = readFileOrNull(path)
  return text === null ? 'no-file' : createHash('sha256').update(text).digest('hex')
}

export const openSettings = (files: Files, logError: LogError = logToStderr) => {
  let config = readUsableConfig(files, logError)

  /** Reads the file again. If it is invalid, throws ConfigError and keeps the config in use. */
  const reread = (): Config => {
    config = readConfig(files.configPath, files.lastGoodConfigPath)
    return config
  }

  /**
   * The profile for the next start or restart: the configured one, else the running one as currently defined. Throws
   * ConfigError.
   */
  const next = (running: Pick<ChosenProfile, 'name'> | null): ChosenProfile =>
    chooseProfile(config, config.profile ?? running?.name ?? null, files.runtimeDir)

  /** Falls back to the running profile when the configured one can't be read. */
  const choose = (running: Omit<ChosenProfile, 'because'> | null) => {
    try {
      return { chosen: next(running), problems: [] }
    } catch (error) {
      const chosen =
        running ?? chooseProfile({ ...config, profile: 'demo', profiles: {} }, null, files.runtimeDir)
      return { chosen, problems: problemsIn(error) }
    }
  }

  const chooseAutomatically = (): string | null => {
    try {
      return chooseProfile({ ...config, profile: null }, null, files.runtimeDir).name
    } catch {
      return null
    }
  }

  return {
    /** The config in use: the last one read, or the last good one. */
    current: (): Config => config,
    reread,
    next,
    /** @param running the profile that runs; null when none does */
    answer: (running: Omit<ChosenProfile, 'because'> | null): SettingsAnswer => {
      // Read before the file: a change in between then shows as a stale revision and is never missed.
      const revision = readRevision(files.configPath)
      const problems = attempt(reread)
      const choice = choose(running)
      return {
        path: files.configPath,
        revision,
        config: maskConfig(config),
        problems: [...problems, ...choice.problems],
        profileNames: [
          ...new Set([...Object.keys(builtinProfiles(files.runtimeDir)), ...Object.keys(config.profiles)]),
        ],
        automaticProfileName: chooseAutomatically(),
        profileName: choice.chosen.name,
        profile: maskProfile(choice.chosen.profile),
        restartNeeded: running === null ? [] : [...compareProfiles(running, choice.chosen)],
      }
    },
    /** Replaces the file if `revision` still matches and the new config could be started. */
    configure: (next: Config, revision: string, totalMemoryBytes: number): Outcome => {
      if (readRevision(files.configPath) !== revision) {
        return refuse(
          `${files.configPath} has been changed in the meantime: reload it, then make your change again`,
        )
      }
      const unmasked = unmaskConfig(next, config)
      if (unmasked.kind === 'unknown-key') {
        return refuse(`${unmasked.place}: found a masked key, but the file has none; allowed: a key, or null`)
      }
      const problems = judgeConfig(unmasked.config, files.runtimeDir, totalMemoryBytes)
      if (problems.length > 0) return refuse(problems.join('; '))
      try {
        writeConfig(files.configPath, unmasked.config)
        reread()
        return { accepted: true }
      } catch (error) {
        return refuse(messageOf(error))
      }
    },
  }
}

const refuse = (reason: string): Outcome => ({ accepted: false, reason })

const attempt = (work: () => unknown): readonly string[] => {
  try {
    work()
    return []
  } catch (error) {
    return problemsIn(error)
  }
}

const problemsIn = (error: unknown): readonly string[] =>
  error instanceof ConfigError ? error.problems : [messageOf(error)]

/** Every user profile must be valid; the chosen one must also be possible on this machine. */
const judgeConfig = (config: Config, runtimeDir: string, totalMemoryBytes: number): readonly string[] => {
  const broken = Object.keys(config.profiles).flatMap((name) =>
    attempt(() => chooseProfile(config, name, runtimeDir)),
  )
  if (broken.length > 0) return [...new Set(broken)]
  try {
    const { name, profile } = chooseProfile(config, null, runtimeDir)
    return judgeProfile(profile, totalMemoryBytes, config.metricsPort).map(
      (problem) => `profile ${name}, ${problem}`,
    )
  } catch (error) {
    return problemsIn(error)
  }
}

interface NamedProfile {
  readonly name: string
  readonly profile: Profile
}

type Difference = SettingsAnswer['restartNeeded'][number]

/** A different profile counts as one difference: of course its values differ. */
export const compareProfiles = (running: NamedProfile, configured: NamedProfile): readonly Difference[] =>
  running.name === configured.name
    ? compareSections(running.profile, configured.profile)
    : [
        {
          key: 'profile',
          running: running.name,
          configured: configured.name,
          ...ejectedFirst(!isDeepStrictEqual(running.profile.ramDisk, configured.profile.ramDisk)),
        },
      ]

const ejectedFirst = (needsEject: boolean) => (needsEject ? { needsEject } : {})

const compareSections = (running: Profile, configured: Profile): readonly Difference[] => {
  const before = flatten(running)
  const after = flatten(configured)
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((key) => {
    const old = before.get(key) ?? notSet
    const value = after.get(key) ?? notSet
    if (old === value) return []
    // Show only that a secret differs, not its value.
    return key === 'proxy.clientKey'
      ? [{ key, running: 'another key', configured: 'the configured key' }]
      : [{ key, running: old, configured: value, ...ejectedFirst(key.startsWith('ramDisk.')) }]
  })
}

/** For keys that may be absent and then have their own default. */
const notSet = 'not set'

const flatten = ({ nodes = [], gateway, ...sections }: Profile): ReadonlyMap<string, string> =>
  new Map([
    ...Object.entries(sections).flatMap(([section, values]) =>
      Object.entries(values).map(([key, value]): [string, string] => [
        `${section}.${key}`,
        typeof value === 'string' ? value : JSON.stringify(value),
      ]),
    ),
    ['gateway.listen', gateway?.listen ?? 'no gateway'],
    ['gateway.binaryPath', gateway?.binaryPath ?? 'null'],
    ['nodes', JSON.stringify(nodes)],
  ])
