// Traefik as a service: its two files and its command line, how to tell that it is ready, why it ended.
import { constants, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { GatewayProfile, Profile } from '../../contract/profile.ts'
import { askHttp, describeFetchFailure, type HttpAnswer, isRefused } from '../base/http-ask.ts'
import { readFileOrNull, writePrivateFile } from '../base/private-file.ts'
import { mayAccess } from '../base/regular-file.ts'
import { clientName, readGatewayAddress } from '../config/gateway-address.ts'
import { traefikPath } from '../setup/traefik.ts'
import {
  type ChildService,
  type LaunchSpec,
  type ProbeResult,
  pickVariables,
} from '../supervise/child-service.ts'
import { traefikDynamicConfig, traefikStaticConfig } from './traefik-config.ts'
import { explainTraefikExit } from './traefik-exit.ts'

export interface TraefikPlace {
  readonly gatewayDir: string
  readonly runtimeDir: string
}

export interface TraefikServiceOptions extends TraefikPlace {
  readonly gateway: GatewayProfile
  readonly proxy: Profile['proxy']
  readonly platform: 'darwin' | 'linux'
  readonly env: Readonly<Record<string, string | undefined>>
  /** Whether the Router answers direct requests. */
  readonly routerIsReady: () => boolean
}

/** The whole command line; the settings are in files, each with its reason. */
export const traefikArgv = (
  { binaryPath }: Pick<GatewayProfile, 'binaryPath'>,
  { gatewayDir, runtimeDir }: TraefikPlace,
): [string, ...string[]] => [
  binaryPath ?? traefikPath(runtimeDir),
  `--configFile=${join(gatewayDir, 'traefik.yml')}`,
]

export const createTraefikService = (options: TraefikServiceOptions): ChildService => {
  const { gateway, platform } = options
  const { port, endpoint, localUrl } = readGatewayAddress(gateway.listen)
  const argv = traefikArgv(gateway, options)
  const surroundings = { platform, binaryPath: argv[0], listen: gateway.listen }
  return {
    id: 'gateway',
    port,
    endpoint,
    prepare: async (): Promise<LaunchSpec> => {
      ensureProgram(gateway, argv[0])
      writeFiles(options)
      return { argv, env: pickVariables(options.env, passedOn), cwd: options.gatewayDir }
    },
    probe: (signal) => probeGateway(localUrl, options.routerIsReady, signal),
    explainExit: (report) => explainTraefikExit(report, surroundings),
  }
}

const ensureProgram = ({ binaryPath }: GatewayProfile, program: string): void => {
  if (mayAccess(program, constants.X_OK)) return
  throw new Error(
    (binaryPath ?? null) === null
      ? 'Traefik is not installed yet: nexus up installs it'
      : `gateway.binaryPath: ${program} is not a program that this user may run`,
  )
}

const note = '# Written by Nexus at each start of the gateway: changes here are lost.\n'

/** Written only when different: Traefik reloads its folder at each change. */
const writeFiles = ({ gateway, proxy, gatewayDir }: TraefikServiceOptions): void => {
  // Traefik reads every file of its folder, so nothing else may be in it.
  const dynamicDir = join(gatewayDir, 'dynamic')
  mkdirSync(dynamicDir, { recursive: true, mode: 0o700 })
  const config = { proxy, listen: gateway.listen, dynamicDir }
  for (const [path, text] of [
    // Without this file Traefik starts anyway, with default settings and on port 80 (seen on 3.7.15).
    [join(gatewayDir, 'traefik.yml'), traefikStaticConfig(config)],
    [join(dynamicDir, 'opta-nexus.yml'), traefikDynamicConfig(config)],
  ] as const) {
    const whole = `${note}${text}\n`
    if (readFileOrNull(path) !== whole) writePrivateFile(path, whole)
  }
}

/** Not the user's TRAEFIK_* variables, which Traefik would read as settings. */
const passedOn = ['PATH', 'HOME', 'LANG', 'TMPDIR']

/** LiteLLM answers 12 bytes, Traefik's own errors are a few words. */
const maxAnswerBytes = 65_536

/**
 * Seen on 3.7.15: it opens its port before its rule is read and answers 404 meanwhile (about 100 ms); 502 while nothing
 * listens on the Router's port.
 * @param routerIsReady whether the Router answers direct requests; if not, a 502 is the Router's fault and Traefik is fine
 */
export const judgeGatewayAnswer = ({ status, ok, text }: HttpAnswer, routerIsReady: boolean): ProbeResult => {
  if (ok)
    return text?.includes("I'm alive!") === true
      ? { state: 'ready' }
      : { state: 'unreachable', detail: 'something other than our Router answers under its name' }
  if (status === 404) return { state: 'loading', detail: `its rule for ${clientName} is not loaded yet` }
  if (status === 502 || status === 504)
    return routerIsReady
      ? { state: 'loading', detail: `it cannot reach the Router (it answers ${status})` }
      : { state: 'ready' }
  return { state: 'unreachable', detail: `${clientName}/health/liveliness answered ${status}` }
}

/** @param localUrl Traefik's address as seen from this machine */
export const probeGateway = async (
  localUrl: string,
  routerIsReady: () => boolean,
  signal: AbortSignal,
): Promise<ProbeResult> => {
  try {
    const headers = { host: clientName }
    const answer = await askHttp(`${localUrl}/health/liveliness`, {
      signal,
      headers,
      maxBytes: maxAnswerBytes,
    })
    return judgeGatewayAnswer(answer, routerIsReady())
  } catch (error) {
    if (isRefused(error)) return { state: 'loading', detail: 'nothing answers on its port' }
    return { state: 'unreachable', detail: describeFetchFailure(error) }
  }
}
