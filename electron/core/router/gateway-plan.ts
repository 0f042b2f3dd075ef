// How the gateway would run with this profile, and why.

import type { Profile } from '../../contract/profile.ts'
import type { PlanAnswer } from '../../contract/question.ts'
import { localUrl } from '../base/local-url.ts'
import { clientName, readGatewayAddress } from '../config/gateway-address.ts'
import { traefikVersion } from '../setup/traefik.ts'
import { type TraefikPlace, traefikArgv } from './traefik-service.ts'

/** null: the profile has none. */
export const planGateway = (
  { gateway = null, proxy }: Pick<Profile, 'gateway' | 'proxy'>,
  place: TraefikPlace,
): PlanAnswer['gateway'] => {
  if (gateway === null) return null
  const { port, host, endpoint } = readGatewayAddress(gateway.listen)
  const argv = traefikArgv(gateway, place)
  const own = (gateway.binaryPath ?? null) !== null
  return {
    endpoint,
    port,
    argv,
    notes: [
      own
        ? `gateway.binaryPath: your own Traefik; its configuration from Nexus was tested with ${traefikVersion}`
        : `Traefik ${traefikVersion}, the pinned release, which nexus up installs`,
      `gateway.listen ${gateway.listen}: port ${port} of ${host === '0.0.0.0' ? 'every address' : host}; ${endpoint} for machines with ${clientName} in their hosts file`,
      `--configFile: our settings file, with a reason for each setting, and beside it the rule: only ${clientName}, and only to the Router at ${localUrl(proxy.host, proxy.port)}`,
      'it starts once the Router serves and ends after it; while only the Router is down it answers 502',
      ...(port < 1024
        ? [
            'ports below 1024: on macOS any user may listen there, but only on all addresses; Linux needs root or setcap cap_net_bind_service=+ep on the program',
          ]
        : []),
    ],
  }
}
