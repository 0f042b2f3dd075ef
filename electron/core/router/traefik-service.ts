// Traefik as a service: its two files and its command line, how to tell that it is ready, why it ended.
import { constants, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { GatewayProfile, Profile } from '../../contract/profile.ts'
import { readFileOrNull, writePrivateFile } from '../base/private-file.ts'
import { mayAccess } from '../base/regular-file.ts'
import { readGatewayAddress } from '../config/gateway-address.ts'
import { traefikPath } from '../setup/traefik.ts'
import type { ChildService, LaunchSpec } from '../supervise/child-service.ts'
import { traefikDynamicConfig, traefikStaticConfig } from './traefik-config.ts'
import { explainTraefikExit } from './traefik-exit.ts'
import { probeGateway } from './traefik-health.ts'

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
      return { argv, env: pickEnvironment(options.env), cwd: options.gatewayDir }
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

/** Drops the user's TRAEFIK_* variables, which Traefik would read as settings. */
const pickEnvironment = (env: TraefikServiceOptions['env']): Record<string, string> =>
  Object.fromEntries(
    ['PATH', 'HOME', 'LANG', 'TMPDIR'].flatMap((name) => {
      const value = env[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )
