// What a client needs to reach the Router, for this machine as it is.
import { type Profile, serviceNames } from '../contract.ts'
import { quoteForPowershell, quoteForShell } from './shell-quote.ts'

export interface ClientUser {
  readonly name: string
  readonly shell: 'bash' | 'powershell'
  /** Lines to paste into that shell. */
  readonly snippet: string
}

export interface ClientGuide {
  readonly baseUrl: string
  readonly apiKey: string
  readonly models: readonly string[]
  readonly users: readonly ClientUser[]
  /** What stands in the way of clients, in one sentence; null when nothing does. */
  readonly warning: string | null
}

/** Names that Claude Code asks for by itself (measured with 2.1.197); the Router answers every name. */
const namesClientsAskFor = ['claude-opus-4-8', 'claude-sonnet-5', 'claude-haiku-4-5-20251001']

const anyAddress = new Set(['0.0.0.0', '::', '*'])
const loopback = new Set(['127.0.0.1', '::1', 'localhost'])

export const buildClientGuide = (
  proxy: Pick<Profile['proxy'], 'host' | 'port' | 'modelName'>,
  apiKey: string,
  lanAddresses: readonly string[],
): ClientGuide => {
  const reachable = anyAddress.has(proxy.host) ? (lanAddresses[0] ?? '127.0.0.1') : proxy.host
  const baseUrl = `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${proxy.port}`
  return {
    baseUrl,
    apiKey,
    models: [proxy.modelName, ...namesClientsAskFor],
    users: [
      { name: 'user 1 (macOS, Linux)', shell: 'bash', snippet: bashSnippet(baseUrl, apiKey) },
      { name: 'user 2 (Windows)', shell: 'powershell', snippet: powershellSnippet(baseUrl, apiKey) },
    ],
    warning: warningFor(proxy.host, lanAddresses),
  }
}

const warningFor = (host: string, lanAddresses: readonly string[]): string | null => {
  if (loopback.has(host)) {
    return `the ${serviceNames.proxy} listens on ${host}, so only programs on this machine reach it; proxy.host 0.0.0.0 opens it to the network`
  }
  if (anyAddress.has(host) && lanAddresses.length === 0) {
    return 'this machine has no network address now, so only programs on it reach the Router'
  }
  return null
}

export const bashSnippet = (baseUrl: string, apiKey: string): string =>
  `export ANTHROPIC_BASE_URL=${quoteForShell(baseUrl)}\nexport ANTHROPIC_API_KEY=${quoteForShell(apiKey)}`

const powershellSnippet = (baseUrl: string, apiKey: string): string =>
  `$env:ANTHROPIC_BASE_URL = ${quoteForPowershell(baseUrl)}\n$env:ANTHROPIC_API_KEY = ${quoteForPowershell(apiKey)}`
