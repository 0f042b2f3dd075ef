// Where the gateway listens, and how clients reach it by its name, ai.opta.local. Pure.
import { localUrl } from '../base/local-url.ts'

/** @param listen valid for the contract's ListenAddressSchema, such as `:80`, `127.0.0.1:8000` or `[::1]:80` */
export const readGatewayAddress = (listen: string) => {
  const colon = listen.lastIndexOf(':')
  const port = Number(listen.slice(colon + 1))
  const host = listen.slice(0, colon).replace(/^\[|\]$/g, '') || '0.0.0.0'
  return {
    /** The address that Traefik binds to; 0.0.0.0 for all, including IPv6. */
    host,
    port,
    /** Omits port 80. */
    endpoint: `http://${clientName}${port === 80 ? '' : `:${port}`}`,
    /** For this machine itself, whether or not the name resolves here. */
    localUrl: localUrl(host, port),
  }
}

export const clientName = 'ai.opta.local'

export const hostsPaths = {
  unix: '/etc/hosts',
  windows: String.raw`C:\Windows\System32\drivers\etc\hosts`,
} as const

export const hostsLine = (address: string): string => `${address} ${clientName}`

/**
 * Sources: RFC 6762 section 3 reserves .local for multicast DNS. Which two-label names macOS still looks up in DNS has
 * changed between releases (Apple HT201275; n3s0.tech shows a Mac asking mDNS for host.example.local); on Linux nss-mdns's
 * `mdns4_minimal` skips them, and Windows asks both. All three read the hosts file first.
 */
export const hostNameNotes: readonly string[] = [
  `macOS, Linux: append the line to ${hostsPaths.unix} (sudo). Windows: to ${hostsPaths.windows} (an editor run as administrator).`,
  'Names ending in .local belong to multicast DNS, so clients may never ask your DNS server for them; they always read the hosts file first.',
  'A URL without a port means port 80: http://ai.opta.local needs Traefik in front of the Router (gateway.listen in the profile, or nexus traefik); with the port of the Router it does not.',
  'If a Mac sometimes takes 5 s to resolve the name, it is also asking the network for an IPv6 address: use the IP address instead.',
]
