// ai.opta.local: how a client comes to know the name, and why no DNS entry is relied on for it.

export const clientName = 'ai.opta.local'

export const hostsPaths = {
  unix: '/etc/hosts',
  windows: String.raw`C:\Windows\System32\drivers\etc\hosts`,
} as const

export const hostsLine = (address: string): string => `${address} ${clientName}`

/**
 * Sources: RFC 6762 section 3 gives .local to multicast DNS. Which names of two labels macOS still asks a DNS server for
 * has changed between releases (Apple HT201275; n3s0.tech shows a Mac asking mDNS for host.example.local), nss-mdns's
 * `mdns4_minimal` leaves them out on Linux, and Windows asks both. A hosts file is read first by all three.
 */
export const hostNameNotes: readonly string[] = [
  `macOS, Linux: append the line to ${hostsPaths.unix} (sudo). Windows: to ${hostsPaths.windows} (an editor run as administrator).`,
  'Names that end in .local belong to multicast DNS, so an entry in your DNS server may never be asked for; the hosts file always is, and first.',
  'Names ask for port 80: http://ai.opta.local needs Traefik in front of the Router (gateway.listen in the profile, or nexus traefik), http://ai.opta.local with the port of the Router does not.',
  'A Mac that takes 5 s for it now and then also asks the network for an IPv6 address of the name: use the address itself instead.',
]
