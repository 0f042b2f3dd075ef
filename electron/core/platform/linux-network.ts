// LAN addresses of a Linux machine.
import { networkInterfaces } from 'node:os'
import { rankLanAddresses } from './lan-addresses.ts'
import { readProcText } from './linux-proc.ts'

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
