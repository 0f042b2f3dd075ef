// LAN addresses of a Mac. Tested only on recorded output so far.
import { type InterfaceAddress, rankLanAddresses } from './lan-addresses.ts'
import type { RunCommand } from './run-command.ts'

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
