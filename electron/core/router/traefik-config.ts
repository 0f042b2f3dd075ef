// Traefik's two files, explained line by line. It stands before the Router so that http://ai.opta.local works without a port.

import type { Profile } from '../../contract/profile.ts'
import { localUrl } from '../base/local-url.ts'
import { clientName } from '../config/gateway-address.ts'

export interface TraefikOptions {
  readonly proxy: Pick<Profile['proxy'], 'host' | 'port'>
  /** Where Traefik listens, such as `:80` (every address) or `127.0.0.1:8000`. */
  readonly listen: string
  /** Absolute path of the dynamic configuration's folder. */
  readonly dynamicDir: string
}

/** A JSON string is a valid double-quoted YAML string. */
const quoted = (text: string): string => JSON.stringify(text)

/** For users without a Traefik: `traefik --configFile=traefik.yml`. */
export const traefikStaticConfig = ({ listen, dynamicDir }: TraefikOptions): string => `global:
  # Telemetry is off.
  checkNewVersion: false
  sendAnonymousUsage: false
entryPoints:
  nexus:
    # Ports below 1024: on macOS any user may listen there, but only on all addresses; Linux needs root or
    # CAP_NET_BIND_SERVICE.
    address: ${quoted(listen)}
    transport:
      respondingTimeouts:
        # Limits how long a request may take to arrive, not its answer: seen with a 4 s stream and 2 s here.
        readTimeout: "60s"
        # No limit: an agent's stream lasts as long as the model writes.
        writeTimeout: "0s"
        idleTimeout: "180s"
      lifeCycle:
        # Open streams may finish when Traefik is stopped.
        graceTimeOut: "30s"
providers:
  file:
    directory: ${quoted(dynamicDir)}
    watch: true`

/** For users with a Traefik: goes into the folder of its file provider. */
export const traefikDynamicConfig = ({ proxy }: TraefikOptions): string => `http:
  routers:
    opta-nexus:
      rule: ${quoted(`Host(\`${clientName}\`)`)}
      service: opta-nexus
  services:
    opta-nexus:
      loadBalancer:
        # The Router on this machine; keys go through unchanged and are checked there.
        servers:
          - url: ${quoted(localUrl(proxy.host, proxy.port))}
        passHostHeader: true
        responseForwarding:
          # Passes on every chunk at once; by default Traefik does so only for text/event-stream.
          flushInterval: "-1ms"
        serversTransport: opta-nexus
  serversTransports:
    opta-nexus:
      forwardingTimeouts:
        dialTimeout: "5s"
        # No limit: behind four busy slots the first byte may take minutes.
        responseHeaderTimeout: "0s"
        # LiteLLM closes a connection that was idle for 5 s (uvicorn's timeout_keep_alive): a request that reuses it just
        # then would get 502, because Go does not resend a POST.
        idleConnTimeout: "4s"`
