// LiteLLM as a service: its files in the state folder, its command line and environment, how to tell that it is ready, why it ended.
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseDocument } from 'yaml'
import type { Profile } from '../../contract/profile.ts'
import type { Keys } from '../access/keys.ts'
import { messageOf } from '../base/error-message.ts'
import { localUrl } from '../base/local-url.ts'
import { isErrno, readFileOrNull, writePrivateFile } from '../base/private-file.ts'
import { readRegularFile } from '../base/regular-file.ts'
import { slotCacheOf } from '../engine/slot-cache.ts'
import type { InstalledLiteLlm } from '../setup/litellm.ts'
import {
  type ChildService,
  type LaunchSpec,
  pickVariables,
  rememberReady,
} from '../supervise/child-service.ts'
import { buildLiteLlmConfig, nodeKeyVariable, renderLiteLlmConfig } from './litellm-config.ts'
import { explainLiteLlmExit } from './litellm-exit.ts'
import { probeLiteLlm } from './litellm-health.ts'
import { routerSettings } from './litellm-router-settings.ts'
import { readNodeKey } from './nodes/node-key.ts'

export interface LiteLlmLaunchInput {
  readonly profile: Profile
  /** The Python of the environment that LiteLLM is installed in. */
  readonly pythonPath: string
  /** Our folder for config.yaml and the modules beside it. */
  readonly proxyDir: string
  /** Folder for conversations that wait for a slot. */
  readonly parkedDir: string
  /** Unix socket on which the Router reports live requests; at most 103 bytes long. */
  readonly feedPath: string
  /** Where the Router's Python modules come from. */
  readonly resourcesDir: string
  readonly keys: Pick<Keys, 'clientKey' | 'proofKey' | 'masterKey' | 'engineKey' | 'clientKeysPath'>
  readonly env: Readonly<Record<string, string | undefined>>
}

/**
 * Writes the files that LiteLLM reads and returns how to start it. Idempotent.
 * Throws an Error whose message is the reason when the user's own config can't be used.
 */
export const planLiteLlmLaunch = (input: LiteLlmLaunchInput): LaunchSpec => {
  const { profile, proxyDir } = input
  mkdirSync(proxyDir, { recursive: true, mode: 0o700 })
  // LiteLLM imports `opta_router` from the folder of its config.yaml only. Copied, not linked: an update of the app
  // must not change modules under a running proxy.
  for (const name of readdirSync(input.resourcesDir))
    if (/^opta_\w+\.py$/.test(name))
      replaceIfDifferent(join(proxyDir, name), readFileSync(join(input.resourcesDir, name), 'utf8'))
  return {
    argv: [
      input.pythonPath,
      // -I: keeps the current folder, PYTHON* variables and the user's own packages out of the process that holds the
      // keys. -u: unbuffered, so that the log has the reason even when the process is killed.
      '-I',
      '-u',
      // LiteLLM prints box-drawing characters at start; a C locale on macOS would make that an error.
      '-X',
      'utf8',
      join(proxyDir, 'opta_litellm.py'),
      '--config',
      profile.proxy.configPath === null ? writeConfig(input) : checkOwnConfig(profile.proxy.configPath),
      '--host',
      profile.proxy.host,
      '--port',
      String(profile.proxy.port),
    ],
    env: litellmEnvironment(input),
    cwd: proxyDir,
  }
}

const settingsPath = (proxyDir: string): string => join(proxyDir, 'router.json')

const writeConfig = ({ profile, proxyDir, feedPath, parkedDir }: LiteLlmLaunchInput): string => {
  const path = join(proxyDir, 'config.yaml')
  const settings = routerSettings(profile, { proxyDir, feedPath }, slotCacheOf(profile, parkedDir))
  replaceIfDifferent(settingsPath(proxyDir), `${JSON.stringify(settings, null, 2)}\n`)
  replaceIfDifferent(path, renderLiteLlmConfig(buildLiteLlmConfig(profile)))
  return path
}

/** Returns the path if its file is a config that LiteLLM can read; else throws. */
const checkOwnConfig = (path: string): string => {
  const document = parseYaml(path, readOwnConfig(path))
  const error = document.errors[0]
  if (error !== undefined) {
    throw new Error(`proxy.configPath: ${path} is not valid YAML: ${error.message.split('\n', 1)[0]}`)
  }
  const content: unknown = document.toJS()
  if (content === null || typeof content !== 'object' || !('model_list' in content)) {
    throw new Error(`proxy.configPath: ${path} has no model_list, so LiteLLM would serve no model`)
  }
  return path
}

/** The parser is recursive: 200,000 nested lists overflow its stack. */
const parseYaml = (path: string, text: string) => {
  try {
    return parseDocument(text)
  } catch (error) {
    throw new Error(`proxy.configPath: ${path} is not valid YAML: ${messageOf(error)}`)
  }
}

const readOwnConfig = (path: string): string => {
  try {
    return readRegularFile(path)
  } catch (error) {
    if (isErrno(error, 'ENOENT')) throw new Error(`proxy.configPath: there is no file ${path}`)
    throw new Error(`proxy.configPath: ${path} cannot be read: ${messageOf(error)}`)
  }
}

/** The child's whole environment. Measurements are of LiteLLM 1.106.2. */
const litellmEnvironment = ({
  profile,
  proxyDir,
  keys,
  env,
}: LiteLlmLaunchInput): Record<string, string> => ({
  ...pickVariables(env, ['PATH', 'HOME', 'LANG', 'LC_ALL', 'LC_CTYPE', 'TMPDIR', 'USER', 'LOGNAME']),
  OPTA_MASTER_KEY: keys.masterKey,
  OPTA_ENGINE_KEY: keys.engineKey,
  ...Object.fromEntries(
    (profile.nodes ?? []).map((node, index) => [nodeKeyVariable(index), readNodeKey(node)]),
  ),
  OPTA_CLIENT_KEYS: keys.clientKeysPath,
  ...(profile.proxy.configPath === null ? { OPTA_ROUTER_SETTINGS: settingsPath(proxyDir) } : {}),
  // Used only by a user's own config without a master_key: LiteLLM would not start without one, and without a database
  // it accepts no other key.
  ...(profile.proxy.configPath === null ? {} : { LITELLM_MASTER_KEY: keys.clientKey ?? keys.proofKey }),
  // Otherwise LiteLLM makes three requests to GitHub at each start. With it, no lookup or connection leaves the machine (strace).
  LITELLM_LOCAL_MODEL_COST_MAP: 'True',
  // Otherwise it would read a .env file of the current folder into its environment.
  LITELLM_MODE: 'PRODUCTION',
  LITELLM_TELEMETRY: 'False',
  // llama-server is on this machine or on the local network, so a company proxy must not be used for it.
  NO_PROXY: directHosts(profile),
  no_proxy: directHosts(profile),
  // A new connection for each request: llama-server closes one that was idle for 5 s (its `Keep-Alive: timeout=5`), but
  // LiteLLM would reuse one for 120 s. While its event loop is busy it doesn't see the close, and the request that uses that
  // connection fails with "Server disconnected" (8 of 8 with aiohttp delayed past the close; none without reuse).
  AIOHTTP_KEEPALIVE_TIMEOUT: '0',
  // Turns off admin pages that need no key but a database.
  DISABLE_ADMIN_UI: 'True',
  NO_DOCS: 'True',
  NO_REDOC: 'True',
  NO_OPENAPI: 'True',
  // Our own polling once a second would fill most of the log.
  LITELLM_DISABLE_ACCESS_LOG_PATHS: '/health/liveliness',
  LITELLM_DONT_SHOW_FEEDBACK_BOX: 'true',
})

const directHosts = ({ nodes = [] }: Profile): string =>
  ['127.0.0.1', 'localhost', '::1', ...nodes.map(({ host }) => host)].join(',')

/** An unchanged file keeps its mtime, so that Python's compiled copy stays valid. */
const replaceIfDifferent = (path: string, text: string): void => {
  if (readFileOrNull(path) !== text) writePrivateFile(path, text)
}

interface LiteLlmServiceOptions extends Omit<LiteLlmLaunchInput, 'pythonPath'> {
  /** null when not installed. Throws for a release that must not run. */
  readonly readInstalled: () => Promise<InstalledLiteLlm | null>
}

export const createLiteLlmService = (options: LiteLlmServiceOptions): ChildService => {
  const { profile } = options
  const baseUrl = localUrl(profile.proxy.host, profile.proxy.port)
  const ready = rememberReady((signal) => probeLiteLlm(baseUrl, signal))
  return {
    id: 'proxy',
    port: profile.proxy.port,
    endpoint: baseUrl,
    prepare: async () => {
      ready.forget()
      const installed = await options.readInstalled()
      if (installed === null) throw new Error('LiteLLM is not installed yet: nexus up installs it')
      return planLiteLlmLaunch({ ...options, pythonPath: installed.pythonPath })
    },
    probe: ready.probe,
    explainExit: (report) => explainLiteLlmExit(report, ready.current()),
  }
}
