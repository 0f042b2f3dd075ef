// ai.opta.local: how clients resolve the name, and why we don't rely on DNS for it.

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
