// What each failure on the way to the model means to a person at a client, and what to do. Pure.
import { serviceNames } from '../../contract/service-ids.ts'
import { hostNameNotes } from '../config/host-name.ts'
import type { ReachAddress } from './reach-address.ts'
import { blocked, codeOf, doubtful, type ReachVerdict, reached } from './reach-step.ts'

/** Longer, and a Mac is asking the network for what the hosts file does not say (arizz96.dev, local-domain-slowness). */
const slowNameMs = 1_500

export const judgeName = (
  { host }: ReachAddress,
  addresses: readonly string[],
  milliseconds: number,
): ReachVerdict => {
  const found = `${host} is ${addresses.join(', ')}`
  return milliseconds < slowNameMs
    ? reached(found)
    : doubtful(
        `${found}, after ${(milliseconds / 1000).toFixed(1)} s`,
        'Use the address itself in ANTHROPIC_BASE_URL: names ending in .local are also asked for by multicast DNS, which takes its time when nobody answers.',
      )
}

export const judgeNoName = ({ host }: ReachAddress, error: unknown): ReachVerdict => {
  const code = codeOf(error)
  if (code === 'EAI_AGAIN')
    return blocked(`${host} could not be looked up: no name server answers`, 'Check the network connection.')
  if (error instanceof Error && error.name === 'TimeoutError')
    return blocked(
      `looking up ${host} takes too long`,
      'A name server does not answer: use the address itself, as nexus clients shows it on the Studio.',
    )
  return blocked(
    `${host} is not known on this machine`,
    host.endsWith('.local')
      ? `Add the line that nexus clients shows on the Studio to the hosts file, such as "192.168.1.20 ${host}". ${hostNameNotes.slice(0, 2).join(' ')}`
      : 'Check the spelling, or use the address that nexus clients shows on the Studio.',
  )
}

export const judgeNoConnection = (
  { host, port }: ReachAddress,
  error: unknown,
  platform: NodeJS.Platform,
): ReachVerdict => {
  const code = codeOf(error)
  const place = `port ${port} of ${host}`
  if (code === 'ECONNREFUSED') return blocked(`nobody listens on ${place}`, whyRefused(host, port))
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH')
    return blocked(
      `there is no way to ${host} from here (${code})`,
      platform === 'darwin'
        ? 'If the Studio answers a ping: System Settings, Privacy & Security, Local Network, and allow your terminal or VS Code (Apple TN3179). Otherwise this Mac is in another network.'
        : 'This machine is in another network than the Studio: check Wi-Fi, cable and VPN.',
    )
  if (code === 'ETIMEDOUT')
    return blocked(
      `${place} does not answer at all`,
      "The Studio is off or asleep, has another address by now, or a firewall (the Studio's or this machine's) drops the connection.",
    )
  return blocked(`no connection to ${place}: ${describe(error)}`, 'Check the address and the network.')
}

const whyRefused = (host: string, port: number): string => {
  const router = serviceNames.proxy
  if (port === 80)
    return `Nothing answers without a port: add the port of the ${router} (:4000), or have Traefik run on the Studio (gateway.listen in the profile, or nexus traefik).`
  if (/^(?:127\.|::1$|localhost$)/.test(host))
    return `That is this machine itself. nexus status says whether the ${router} runs here, nexus up starts it. On your own machine this address needs the SSH connection with its LocalForward (nexus clients).`
  return `On the Studio: nexus status says whether the ${router} runs, nexus up starts it. If it runs, it listens for that machine alone: nexus doctor says so.`
}

const describe = (error: unknown): string => {
  const code = codeOf(error)
  if (code !== '') return code
  return error instanceof Error ? error.message : String(error)
}

/** The connection was there; the question over HTTP or TLS ended before an answer. */
export const judgeNoAnswer = (address: ReachAddress, error: unknown): ReachVerdict => {
  const { host, port, secure } = address
  const code = codeOf(error)
  if (secure && (code === 'EPROTO' || code.startsWith('ERR_SSL') || code === 'ECONNRESET'))
    return blocked(
      `port ${port} of ${host} does not speak TLS`,
      `Write http:// instead of https://: the ${serviceNames.proxy} speaks plain HTTP.`,
    )
  if (secure && (/CERT|SIGNATURE|ISSUER/.test(code) || code === 'ERR_TLS_CERT_ALTNAME_INVALID'))
    return blocked(
      `the certificate of ${host} is not accepted: ${code}`,
      'Have NODE_EXTRA_CA_CERTS name the certificate of your own authority, for Claude Code as well.',
    )
  if (!secure && code.startsWith('HPE_'))
    return blocked(
      `port ${port} of ${host} does not speak HTTP (${code})`,
      'If TLS is there: write https://.',
    )
  if (code === 'ABORT_ERR' || (error instanceof Error && error.name === 'TimeoutError'))
    return blocked(
      `port ${port} of ${host} takes the connection and then says nothing`,
      `On the Studio: nexus status, and nexus logs proxy.`,
    )
  return blocked(`${host} ended the connection: ${describe(error)}`, 'On the Studio: nexus logs proxy.')
}

export interface PlainAnswer {
  readonly status: number
  /** The `server` header, lower case; empty when there is none. */
  readonly server: string
  readonly body: string
}

/** The answer to GET /health/liveliness. */
export const judgeRouter = (address: ReachAddress, answer: PlainAnswer): ReachVerdict => {
  const { status, server, body } = answer
  if (status === 200 && body.includes("I'm alive!"))
    return reached(`the ${serviceNames.proxy} (LiteLLM) answers at ${address.baseUrl}`)
  if (server.includes('llama.cpp'))
    return blocked(
      `${address.baseUrl} is the ${serviceNames.llamaServer} (llama-server) itself`,
      `Use the port of the ${serviceNames.proxy} (4000 in the studio profile).`,
    )
  if (status === 404 && body.trim() === '404 page not found')
    return blocked(
      `a proxy such as Traefik answers, and knows no ${address.host}`,
      `On the Studio: gateway.listen in the profile has one run with the rule, and nexus traefik writes it; it is for the name ai.opta.local only.`,
    )
  if (status >= 502 && status <= 504)
    return blocked(
      `a proxy answers ${status}: the ${serviceNames.proxy} behind it does not run`,
      'On the Studio: nexus up.',
    )
  return blocked(
    `something else than the ${serviceNames.proxy} answers there (${status}${server === '' ? '' : `, ${server}`})`,
    'Check host and port against what nexus clients shows on the Studio.',
  )
}

/** Why this text cannot be a key at all, without quoting it; null when it can. */
export const keyProblem = (key: string): string | null => {
  if (key.trim() !== key) return 'the key has blanks or a line end around it'
  if (/^["'].*["']$/.test(key)) return 'the key has quotes around it, which are taken as part of it'
  if (/…/.test(key)) return 'the key is the shortened one that is only for showing'
  return /^[\x21-\x7e]+$/.test(key) ? null : 'the key has characters that no key has'
}

/** The answer to GET /v1/models. */
export const judgeKey = (masked: string, { status, body }: PlainAnswer): ReachVerdict => {
  if (status === 200) return reached(`the key ${masked} is accepted`)
  if (status === 401)
    return blocked(
      `the ${serviceNames.proxy} does not know the key ${masked}`,
      'It was rotated or revoked, or belongs to another Studio: nexus clients on the Studio shows the present one.',
    )
  if (status === 503)
    return blocked(
      `the ${serviceNames.proxy} cannot check keys now: ${excerpt(body)}`,
      'On the Studio: nexus doctor.',
    )
  return blocked(
    `asked for its models, the ${serviceNames.proxy} answered ${status}: ${excerpt(body)}`,
    'On the Studio: nexus doctor.',
  )
}

export interface ModelAnswer {
  readonly status: number
  /** The body when it was no stream; empty otherwise. */
  readonly body: string
  /** null: it never came. All from the sending of the request. */
  readonly firstEventMs: number | null
  readonly firstTokenMs: number | null
  readonly totalMs: number
  readonly events: number
  readonly outputTokens: number | null
  /** The text of an `error` event; null when there was none. */
  readonly error: string | null
  /** Whether `message_stop` came. */
  readonly ended: boolean
}

/** A stream of so long, of which everything came within so short a time, was held back on the way. */
const heldBackAfterMs = 1_500
const heldBackWithinMs = 30
const fewestEvents = 6

export const judgeModel = (answer: ModelAnswer): ReachVerdict => {
  const { status, body, firstTokenMs, firstEventMs, totalMs, outputTokens, error, events } = answer
  const studio = 'On the Studio: nexus status, and nexus logs llamaServer.'
  if (status === 529 || status === 429)
    return blocked(
      `all slots are busy and the queue is full (${status})`,
      'Try again later; Claude Code does so by itself. nexus status on the Studio shows who waits.',
    )
  if (status !== 200) return blocked(`asked for a few words, it answered ${status}: ${excerpt(body)}`, studio)
  if (error !== null) return blocked(`the stream ended with an error: ${excerpt(error)}`, studio)
  if (firstTokenMs === null || !answer.ended)
    return blocked(
      answer.ended ? 'the answer had no tokens at all' : 'the stream ended in the middle',
      `${studio} A proxy with a time limit in between does that too.`,
    )
  const tokens = outputTokens === null ? '' : `, ${outputTokens} tokens`
  const found = `the model answers: first token after ${seconds(firstTokenMs)}, all after ${seconds(totalMs)}${tokens}`
  const spreadMs = totalMs - (firstEventMs ?? totalMs)
  return totalMs > heldBackAfterMs && spreadMs < heldBackWithinMs && events >= fewestEvents
    ? doubtful(
        `${found}, but all in one piece`,
        'Something between here and the Router holds the stream back: a proxy with buffering. nexus traefik writes a configuration without.',
      )
    : reached(found)
}

const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(2)} s`

/** Anthropic's and LiteLLM's error text when there is one, else the beginning of the body. */
const excerpt = (body: string): string => {
  const message = /"message"\s*:\s*"((?:[^"\\]|\\.)*)"/.exec(body)?.[1]
  const text = (message ?? body).replace(/\s+/g, ' ').trim()
  return text === '' ? 'nothing' : text.length > 200 ? `${text.slice(0, 200)}…` : text
}
