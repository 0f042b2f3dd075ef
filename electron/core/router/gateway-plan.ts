// How the gateway would be run with this profile, and why so.

import type { Profile } from '../../contract/profile.ts'
import type { PlanAnswer } from '../../contract/question.ts'
import { localUrl } from '../base/local-url.ts'
import { readGatewayAddress } from '../config/gateway-address.ts'
import { clientName } from '../config/host-name.ts'
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
        ? `gateway.binaryPath: your own Traefik; what Nexus writes for it was tried with ${traefikVersion}`
        : `Traefik ${traefikVersion}, the pinned release, which nexus up installs`,
      `gateway.listen ${gateway.listen}: port ${port} of ${host === '0.0.0.0' ? 'every address' : host}; ${endpoint} for whoever has ${clientName} in a hosts file`,
      `--configFile: its settings are a file of ours, each with its reason, and so is its rule beside it: only ${clientName}, and only to the Router at ${localUrl(proxy.host, proxy.port)}`,
      'it starts once the Router serves and ends after it; while the Router alone is away it answers 502',
      ...(port < 1024
        ? [
            'ports below 1024: macOS lets everybody listen there at all addresses at once, Linux takes root or setcap cap_net_bind_service=+ep on the program',
          ]
        : []),
    ],
  }
}
