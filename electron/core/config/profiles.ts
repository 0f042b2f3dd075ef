// Chooses the profile to run, with the reason: one of the two built-in ones, or the user's own.
import { resolve } from 'node:path'
import type { Config } from '../../contract/config.ts'
import { type Profile, ProfileOverrideSchema, type WrittenProfile } from '../../contract/profile.ts'
import { readFileOrNull } from '../base/private-file.ts'
import { demoModelPath } from '../setup/demo-model.ts'
import { applyOverride, ConfigError, parseJson, parseValue } from './config.ts'
import { settleKvSharing } from './kv-sharing.ts'
import { isReadable, listModelFiles, withModelParts } from './model-parts.ts'

/** The seed's machine, according to its owner's start script and config.yaml. */
const studio: WrittenProfile = {
  llamaServer: {
    binaryPath: null,
    modelPath: '/Users/Shared/Models/DeepSeek-R1-Distill-Llama-70B-Q8_0.gguf',
    draftModelPath: '/Users/Shared/Models/Llama-3.2-3B-Instruct-Q4_K_M.gguf',
    alias: 'deepseek-r1-distill-llama-70b',
    host: '0.0.0.0',
    port: 8080,
    slots: 4,
    // As one pool, which the Router keeps from overflowing, each slot may grow to the model's 131,072; without that guard each
    // gets 79,872. 393,216 would also fit 256 GiB while the Router parks conversations (nexus plan: the largest pool), but with
    // the draft's cache it exceeds the map's 40 GB for contexts, and no longer fits if pinConversations is off and llama-server's
    // own 8 GiB prompt cache comes back.
    contextTokens: 319_488,
    unifiedKv: 'auto',
    gpuLayers: 99,
    cacheTypeK: 'q4_0',
    cacheTypeV: 'q4_0',
    draftCacheTypeK: 'q4_0',
    draftCacheTypeV: 'q4_0',
    speculation: 'draft-simple',
    // Measured on a CPU: at 2048 one prefill left the other stream 5 tokens in 21 s, at 256 about 35 in 24 s.
    batchTokens: 512,
    microBatchTokens: 512,
    promptCacheMiB: 8192,
    // The model card recommends (deepseek-ai/DeepSeek-R1, README) temperature 0.5 to 0.7, best 0.6, against endless repetition
    // and incoherent output; its results were measured with top-p 0.95.
    sampling: { temperature: 0.6, topP: 0.95 },
    pinnedFlags: [],
  },
  proxy: {
    host: '0.0.0.0',
    port: 4000,
    modelName: 'claude-3-5-sonnet-20241022',
    clientKey: 'sk-local-opta',
    stopSequences: ['<|EOT|>', '<|end_of_sentence|>'],
    requestTimeoutSeconds: 3600,
    configPath: null,
  },
  ramDisk: { volumeName: 'OptaBuilds', sizeMiB: 65_536, mountPoint: null, filesystem: 'hfs+' },
}

/** A small stack of the same real parts: a 100 MB model, four slots, a 256 MiB RAM disk, loopback only. */
const demo = (runtimeDir: string): WrittenProfile => ({
  ...studio,
  llamaServer: {
    ...studio.llamaServer,
    modelPath: demoModelPath(runtimeDir),
    // A draft as large as its target only slows down a CPU.
    draftModelPath: null,
    alias: 'smollm2-135m',
    host: '127.0.0.1',
    // 8,192 per slot, the model's training context.
    contextTokens: 32_768,
    unifiedKv: false,
    gpuLayers: 0,
    // Without a GPU, q4_0 processes prompts 5 to 8 times slower: 95 instead of 474 tokens/s at 1,090 tokens, 34 instead of 273 at
    // 3,490 (measured).
    cacheTypeK: 'f16',
    cacheTypeV: 'f16',
    draftCacheTypeK: 'f16',
    draftCacheTypeV: 'f16',
    speculation: 'none',
    batchTokens: 256,
    microBatchTokens: 256,
    promptCacheMiB: 256,
    // Ours: none was found published for this model (its generation_config.json has none).
    sampling: { temperature: 0.2, topP: 0.9 },
  },
  proxy: { ...studio.proxy, host: '127.0.0.1', clientKey: null },
  ramDisk: { ...studio.ramDisk, sizeMiB: 256 },
})

const writtenProfiles = (runtimeDir: string): Readonly<Record<string, WrittenProfile>> => ({
  studio,
  demo: demo(runtimeDir),
})

export const builtinProfiles = (runtimeDir: string): Readonly<Record<string, Profile>> => ({
  studio: settleKvSharing(studio),
  demo: settleKvSharing(demo(runtimeDir)),
})

export interface ChosenProfile {
  readonly name: string
  readonly profile: Profile
  /** Why this one, as a sentence fragment to print. */
  readonly because: string
}

/**
 * The profile to run. `requested` is a name, or the path of a JSON file (it contains a `/` or ends in `.json`);
 * null takes the configured one, else `studio` when its model files are readable, else `demo`. Throws ConfigError.
 */
export const chooseProfile = (
  config: Config,
  requested: string | null,
  runtimeDir: string,
): ChosenProfile => {
  if (requested !== null) {
    return isPath(requested)
      ? { name: requested, profile: readProfileFile(requested, config, runtimeDir), because: 'asked for' }
      : { name: requested, profile: resolveProfile(requested, config, runtimeDir), because: 'asked for' }
  }
  if (config.profile !== null) {
    const profile = resolveProfile(config.profile, config, runtimeDir)
    return { name: config.profile, profile, because: 'configured' }
  }
  const owner = resolveProfile('studio', config, runtimeDir)
  const missing = modelPaths(owner)
    .flatMap(listModelFiles)
    .filter((path) => !isReadable(path))
  return missing.length === 0
    ? { name: 'studio', profile: owner, because: 'its model files are here' }
    : {
        name: 'demo',
        profile: resolveProfile('demo', config, runtimeDir),
        because: `the studio's model is not here (${missing[0]})`,
      }
}

const resolveProfile = (name: string, config: Config, runtimeDir: string): Profile =>
  withModelParts(settleKvSharing(composeProfile(name, config, runtimeDir)))

/** Leaves `auto` undecided: a profile that extends this one may decide it. */
const composeProfile = (
  name: string,
  config: Config,
  runtimeDir: string,
  seen: readonly string[] = [],
): WrittenProfile => {
  const builtin = ownValue(writtenProfiles(runtimeDir), name)
  const own = ownValue(config.profiles, name)
  if (own === undefined) {
    if (builtin !== undefined) return builtin
    const known = [...new Set([...Object.keys(writtenProfiles(runtimeDir)), ...Object.keys(config.profiles)])]
    throw new ConfigError('profile', [
      `profile: found "${name}"; allowed: ${known.join(', ')}, or the path of a JSON file`,
    ])
  }
  // `profiles.studio` without `extends` changes the built-in studio; any other name starts from the studio too.
  const parent = own.extends ?? (builtin === undefined ? 'studio' : name)
  if (seen.includes(name)) {
    throw new ConfigError('profile', [
      `profiles.${name}.extends: found a cycle, ${[...seen, name].join(' -> ')}`,
    ])
  }
  const base =
    parent === name && builtin !== undefined
      ? builtin
      : composeProfile(parent, config, runtimeDir, [...seen, name])
  return applyOverride(base, own, `profiles.${name}`)
}

const readProfileFile = (path: string, config: Config, runtimeDir: string): Profile => {
  const text = readFileOrNull(resolve(path))
  if (text === null)
    throw new ConfigError(path, ['profile file: found nothing; allowed: a readable JSON file'])
  const override = parseValue(ProfileOverrideSchema, parseJson(text, path), path)
  const base = composeProfile(override.extends ?? 'studio', config, runtimeDir)
  return withModelParts(settleKvSharing(applyOverride(base, override, path)))
}

/** A name like "constructor" must not match. */
const ownValue = <T>(values: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(values, name) ? values[name] : undefined

const isPath = (requested: string): boolean => requested.includes('/') || requested.endsWith('.json')

const modelPaths = (profile: Profile): string[] =>
  [profile.llamaServer.modelPath, profile.llamaServer.draftModelPath].filter((path) => path !== null)
