// Traefik in front of the Router, so that http://ai.opta.local works without a port: its two files, explained line by line.

import type { Profile } from '../../contract/profile.ts'
import { localUrl } from '../base/local-url.ts'
import { clientName } from '../config/host-name.ts'

export interface TraefikOptions {
  readonly proxy: Pick<Profile['proxy'], 'host' | 'port'>
  /** Where Traefik listens, such as `:80` (every address) or `127.0.0.1:8000`. */
  readonly listen: string
  /** Absolute path of the folder that holds the dynamic configuration. */
  readonly dynamicDir: string
}

/** YAML's double-quoted strings take everything that JSON writes. */
const quoted = (text: string): string => JSON.stringify(text)

/** For who has no Traefik yet: `traefik --configFile=traefik.yml`. */
export const traefikStaticConfig = ({ listen, dynamicDir }: TraefikOptions): string => `global:
  # Nothing of this machine is told to anybody.
  checkNewVersion: false
  sendAnonymousUsage: false
entryPoints:
  nexus:
    # Ports below 1024: macOS lets everybody listen on them at all addresses at once, Linux needs root or
    # CAP_NET_BIND_SERVICE.
    address: ${quoted(listen)}
    transport:
      respondingTimeouts:
        # How long a request may take to arrive. An answer may take longer: seen with a stream of 4 s under 2 s here.
        readTimeout: "60s"
        # No end to an answer: an agent's stream lasts as long as the model writes.
        writeTimeout: "0s"
        idleTimeout: "180s"
      lifeCycle:
        # Open streams may finish when Traefik is stopped.
        graceTimeOut: "30s"
providers:
  file:
    directory: ${quoted(dynamicDir)}
    watch: true`

/** For who has one already: goes into the folder of its file provider. */
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
          # Every piece at once, whatever its type; text/event-stream alone would be by itself.
          flushInterval: "-1ms"
        serversTransport: opta-nexus
  serversTransports:
    opta-nexus:
      forwardingTimeouts:
        dialTimeout: "5s"
        # No limit: behind four busy slots the first byte may take minutes.
        responseHeaderTimeout: "0s"
        # LiteLLM ends a connection that was idle for 5 s (uvicorn's timeout_keep_alive): a request that takes it just
        # then would be answered 502, since Go sends no POST twice.
        idleConnTimeout: "4s"`
