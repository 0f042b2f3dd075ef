// Which of this machine's IPv4 addresses clients on the LAN should use, best first.
import { isIPv4 } from 'node:net'
import { networkInterfaces } from 'node:os'
import { readProcText } from './linux-proc.ts'
import type { RunCommand } from './run-command.ts'

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

/** RTF_UP in the kernel's include/uapi/linux/route.h. */
const routeUp = 0x1

/** Interface of the default route with the lowest metric, from the text of /proc/net/route; null when there is none. */
export const parseDefaultInterface = (text: string): string | null => {
  const routes = text.split('\n').flatMap((line) => {
    const [name, destination, , flags, , , metric, mask] = line.trim().split(/\s+/)
    if (name === undefined || destination !== '00000000' || mask !== '00000000') return []
    if ((Number.parseInt(flags ?? '', 16) & routeUp) === 0) return []
    return [{ name, metric: Number(metric) }]
  })
  return routes.toSorted((a, b) => a.metric - b.metric)[0]?.name ?? null
}

export const readLinuxLanAddresses = async (): Promise<readonly string[]> => {
  const routes = await readProcText('/proc/net/route')
  const addresses = Object.entries(networkInterfaces()).flatMap(([interfaceName, entries]) =>
    (entries ?? [])
      .filter((entry) => entry.family === 'IPv4' && !entry.internal)
      .map(({ address }) => ({ interfaceName, address })),
  )
  return rankLanAddresses(addresses, routes === null ? null : parseDefaultInterface(routes))
}

/**
 * IPv4 addresses in the output of `ifconfig -a`. en0 is not special: on desktops it may be the unplugged Ethernet
 * port (`status: inactive`). Many interfaces have no status line, which means nothing.
 */
export const parseIfconfig = (text: string): readonly InterfaceAddress[] =>
  text.split(/^(?=\S)/m).flatMap((block) => {
    const [, interfaceName, flags] = /^(\S+): flags=[0-9a-f]+<([^>]*)>/.exec(block) ?? []
    if (interfaceName === undefined || flags === undefined) return []
    const isUp = flags.split(',').includes('UP') && !flags.split(',').includes('LOOPBACK')
    if (!isUp || /^[ \t]+status: inactive\s*$/m.test(block)) return []
    return [...block.matchAll(/^[ \t]+inet ([0-9.]+)(?=\s)/gm)].map((match) => ({
      interfaceName,
      address: match[1] ?? '',
    }))
  })

/** `route -n get default`; null when there is no default route. */
export const parseDefaultRoute = (text: string): string | null =>
  /^[ \t]*interface: (\S+)\s*$/m.exec(text)?.[1] ?? null

export const readDarwinLanAddresses = async (run: RunCommand): Promise<readonly string[]> => {
  const [ifconfig, route] = await Promise.all([
    run(['ifconfig', '-a']),
    run(['route', '-n', 'get', 'default']),
  ])
  const addresses = ifconfig.kind === 'exited' ? parseIfconfig(ifconfig.stdout) : []
  return rankLanAddresses(addresses, route.kind === 'exited' ? parseDefaultRoute(route.stdout) : null)
}
