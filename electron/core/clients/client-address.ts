// The address at which clients reach the Router, and what prevents it.
import type { Profile } from '../../contract/profile.ts'
import { serviceNames } from '../../contract/service-ids.ts'
import { isLoopback } from '../base/local-url.ts'

type ProxyAddress = Pick<Profile['proxy'], 'host' | 'port'>

const anyAddress = new Set(['0.0.0.0', '::', '*'])

/** The URL for ANTHROPIC_BASE_URL: without /v1, which Claude Code appends itself. */
export const clientBaseUrl = (proxy: ProxyAddress, lanAddresses: readonly string[]): string => {
  const reachable = anyAddress.has(proxy.host) ? (lanAddresses[0] ?? '127.0.0.1') : proxy.host
  return `http://${bracketed(reachable)}:${proxy.port}`
}

/** IPv6 brackets, for URLs and ssh -L. */
const bracketed = (address: string): string => (address.includes(':') ? `[${address}]` : address)

export const isLoopbackOnly = (proxy: Pick<ProxyAddress, 'host'>): boolean => isLoopback(proxy.host)

/** Why clients cannot reach the Router, in one sentence; null when they can. */
export const addressWarning = (
  { host }: Pick<ProxyAddress, 'host'>,
  lanAddresses: readonly string[],
): string | null => {
  if (isLoopback(host)) {
    return `the ${serviceNames.proxy} listens on ${host}, so only programs on this machine reach it; proxy.host 0.0.0.0 opens it to the network`
  }
  if (anyAddress.has(host) && lanAddresses.length === 0) {
    return 'this machine has no network address at the moment, so only programs on it reach the Router'
  }
  return null
}
