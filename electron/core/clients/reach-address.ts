// Where Claude Code would connect: the variables that it sees, the shell's overridden by `env` in its settings files, and the usual
// mistakes in ANTHROPIC_BASE_URL. Pure.
import { isIP } from 'node:net'
import { join } from 'node:path'
import { z } from 'zod'
import { parseJsonOrNull } from '../base/json-record.ts'
import { blocked, doubtful, type ReachVerdict, reached } from './reach-step.ts'

export interface ReachAddress {
  /** Without a trailing slash. */
  readonly baseUrl: string
  readonly host: string
  readonly port: number
  readonly secure: boolean
  /** Whether `host` is an address, which needs no name resolution. */
  readonly isAddress: boolean
}

export type AddressReading =
  | { readonly kind: 'address'; readonly address: ReachAddress }
  | { readonly kind: 'wrong'; readonly verdict: ReachVerdict }

const example = 'http://192.168.1.20:4000'

export const readAddress = (text: string): AddressReading => {
  const wrong = (found: string, mend: string): AddressReading => ({
    kind: 'wrong',
    verdict: blocked(found, mend),
  })
  if (/^["'].*["']$/.test(text.trim()))
    return wrong(
      `the address contains quotes: ${text.trim()}`,
      'Set ANTHROPIC_BASE_URL without them: the `set` of cmd.exe takes quotes as part of the value.',
    )
  if (!URL.canParse(text)) return wrong(`"${text}" is not a URL`, `Set it like ${example}.`)
  const url = new URL(text)
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    return wrong(`"${text}" starts with ${url.protocol}`, `It must start with http://, like ${example}.`)
  if (/^\/v1\/?$/.test(url.pathname))
    return wrong(
      `the address ends in ${url.pathname}`,
      `Remove that: Claude Code appends /v1/messages itself. ${url.origin} is right.`,
    )
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '')
    return wrong(`the address ends in ${url.pathname}${url.search}${url.hash}`, `${url.origin} is right.`)
  if (url.username !== '' || url.password !== '')
    return wrong('the address contains a user name or password', 'Put the key into ANTHROPIC_API_KEY.')
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (host === '0.0.0.0' || host === '::')
    return wrong(
      `${host} is an address to listen on, not to connect to`,
      'Use the address that nexus clients shows on the Studio.',
    )
  const secure = url.protocol === 'https:'
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port)
  return {
    kind: 'address',
    address: { baseUrl: url.origin, host, port, secure, isAddress: isIP(host) !== 0 },
  }
}

/** The proxy that Claude Code would use, because it honours these variables; null: none. */
export const proxyInTheWay = (
  { host, port, secure }: ReachAddress,
  env: Readonly<Record<string, string | undefined>>,
): string | null => {
  const read = (name: string) => env[name.toLowerCase()] || env[name] || null
  const proxy = secure ? read('HTTPS_PROXY') : read('HTTP_PROXY')
  if (proxy === null) return null
  const exempt = (read('NO_PROXY') ?? '').split(/[\s,]+/).some((entry) => {
    const [name = '', entryPort] = entry.toLowerCase().split(':')
    const suffix = name.replace(/^\*?\.?/, '')
    if (entryPort !== undefined && Number(entryPort) !== port) return false
    return name === '*' || (suffix !== '' && (host === suffix || host.endsWith(`.${suffix}`)))
  })
  return exempt ? null : proxy
}

export const judgeAddress = (
  address: ReachAddress,
  env: Readonly<Record<string, string | undefined>>,
): ReachVerdict => {
  const proxy = proxyInTheWay(address, env)
  if (proxy !== null)
    return doubtful(
      `${address.baseUrl}, but Claude Code would use the proxy ${withoutCredentials(proxy)}`,
      `Add ${address.host} to NO_PROXY: proxies rarely reach the local network, and may buffer streams. This test connects directly.`,
    )
  return reached(address.baseUrl)
}

const withoutCredentials = (proxy: string): string => proxy.replace(/\/\/[^/@]*@/, '//')

const SettingsSchema = z.object({ env: z.record(z.string(), z.unknown()) })

/**
 * Looks up a variable. A settings file overrides the shell (anthropics/claude-code#46889); the project's local file comes first,
 * then the project's, then the user's, in CLAUDE_CONFIG_DIR if set (code.claude.com/docs/en/settings). Managed settings are not
 * read. Like Claude Code, ignores a file that is not valid JSON.
 */
export const readClaudeEnvironment = ({
  env,
  projectDir,
  homeDir,
  readText,
}: {
  readonly env: Readonly<Record<string, string | undefined>>
  /** The project in which Claude Code would start. */
  readonly projectDir: string
  readonly homeDir: string
  /** null: missing or unreadable. */
  readonly readText: (path: string) => string | null
}) => {
  const paths = [
    join(projectDir, '.claude', 'settings.local.json'),
    join(projectDir, '.claude', 'settings.json'),
    join(env['CLAUDE_CONFIG_DIR'] || join(homeDir, '.claude'), 'settings.json'),
  ]
  const files = paths.map((path) => ({ path, values: parseEnv(readText(path)) }))
  return (name: string) => {
    const file = files.find(({ values }) => typeof values[name] === 'string')
    const value = file?.values[name] ?? env[name]
    if (typeof value !== 'string' || value === '') return null
    // `source` is for a person.
    return { value, source: file?.path ?? 'the environment' }
  }
}

const parseEnv = (text: string | null): Readonly<Record<string, unknown>> => {
  const settings = SettingsSchema.safeParse(text === null ? null : parseJsonOrNull(text))
  return settings.success ? settings.data.env : {}
}
