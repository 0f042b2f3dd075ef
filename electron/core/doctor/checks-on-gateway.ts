// Checks on the program and the port of the gateway, if the profile has one.

import { access, constants } from 'node:fs/promises'
import type { GatewayProfile } from '../../contract/profile.ts'
import { quoteForShell } from '../../wording/shell-quote.ts'
import { readGatewayAddress } from '../config/gateway-address.ts'
import type { Platform } from '../platform/platform.ts'
import { traefikArgv } from '../router/traefik-service.ts'
import { traefikVersion } from '../setup/traefik.ts'
import { type CheckSource, type DoctorContext, fail, ok, type Verdict, warn } from './check.ts'
import { profilePlace } from './checks-on-config.ts'
import { judgePort, type PortFacts, readPort } from './checks-on-ports.ts'
import type { DoctorFacts } from './facts.ts'

interface Program {
  readonly path: string
  /** The profile names it, so set-up does not install it. */
  readonly own: boolean
  readonly runs: boolean
}

export const judgeProgram = (
  { path, own, runs }: Program,
  place: (key: string) => string,
  up: string,
): Verdict => {
  if (runs) return ok(own ? `${path}, your own` : `${traefikVersion}, the pinned release`)
  return own
    ? fail(
        `${path} is not a program that you may run`,
        `Correct ${place('gateway.binaryPath')}, or remove it to use the pinned Traefik.`,
      )
    : fail('Traefik is not installed', up)
}

/** EACCES for this program doesn't mean EACCES for Traefik: its file may have the capability. */
export const judgeGatewayPort = (
  facts: PortFacts,
  place: (key: string) => string,
  { platform, program }: { readonly platform: Platform['id']; readonly program: string },
): Verdict =>
  facts.bind === 'EACCES'
    ? warn(
        `you may not listen on ${facts.port}, unless Traefik itself has the capability`,
        platform === 'darwin'
          ? `Set ${place('gateway.listen')} to :${facts.port}: for ports below 1024, macOS lets users listen only on all addresses at once.`
          : `sudo setcap cap_net_bind_service=+ep ${quoteForShell(program)}`,
      )
    : judgePort(facts, place)

const readProgram = async (gateway: GatewayProfile, path: string): Promise<Program> => ({
  path,
  own: (gateway.binaryPath ?? null) !== null,
  runs: await access(path, constants.X_OK).then(
    () => true,
    () => false,
  ),
})

/** Whether its name resolves to it: see the check on that name. */
export const checksOnGateway = (context: DoctorContext, facts: DoctorFacts): readonly CheckSource[] => {
  const { gateway = null } = context.chosen.profile
  if (gateway === null) return []
  const [program] = traefikArgv(gateway, context.folder)
  const place = (key: string) => profilePlace(context, key)
  return [
    {
      id: 'ports.gateway',
      group: 'Ports and keys',
      title: 'Gateway port',
      why: 'if another process holds the port, the name without a port leads to that process',
      read: async () =>
        judgeGatewayPort(
          await readPort('gateway', readGatewayAddress(gateway.listen), context.platform.processes, facts),
          place,
          { platform: context.platform.id, program },
        ),
    },
    {
      id: 'router.gateway',
      group: 'Router',
      title: 'Traefik',
      why: 'the gateway runs on it',
      read: async () => judgeProgram(await readProgram(gateway, program), place, context.upCommand),
    },
  ]
}
