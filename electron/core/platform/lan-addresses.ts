// Which of this machine's IPv4 addresses clients on the LAN should use, best first.

import { isIPv4 } from 'node:net'

export interface InterfaceAddress {
  readonly interfaceName: string
  readonly address: string
}

/** VPNs: LAN clients can't reach their addresses, even if all traffic of this machine goes through one. */
const tunnel = /^(utun|ipsec|ppp|tun|tap|wg|tailscale|zt|feth|gif|stf)/

/** Bridges and taps of containers and VMs, and Apple's own links: most LAN clients can't reach them. */
const virtualInterface =
  /^(docker|br-|veth|virbr|vnet|vmnet|vboxnet|cni|flannel|cali|podman|lxcbr|lxdbr|bridge|awdl|llw|anpi|ap\d)/

const isUsable = ({ address }: InterfaceAddress): boolean =>
  // 169.254/16 is self-assigned when DHCP did not answer (RFC 3927).
  isIPv4(address) && !/^(127\.|169\.254\.|0\.)/.test(address)

/** Without loopback and link-local addresses; the default route's interface first unless it is a tunnel; virtual bridges last. */
export const rankLanAddresses = (
  addresses: readonly InterfaceAddress[],
  defaultInterface: string | null,
): readonly string[] => {
  const rank = ({ interfaceName }: InterfaceAddress): number => {
    if (tunnel.test(interfaceName)) return 2
    if (interfaceName === defaultInterface) return 0
    return virtualInterface.test(interfaceName) ? 3 : 1
  }
  const ranked = addresses.filter(isUsable).toSorted((a, b) => rank(a) - rank(b))
  return [...new Set(ranked.map(({ address }) => address))]
}
