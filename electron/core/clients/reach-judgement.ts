// Explains each failure between a client and the model, and what to do about it. Pure.
import { serviceNames } from '../../contract/service-ids.ts'
import { messageOf } from '../base/error-message.ts'
import { hostNameNotes } from '../config/gateway-address.ts'
import type { ReachAddress } from './reach-address.ts'
import { blocked, codeOf, doubtful, type ReachVerdict, reached } from './reach-step.ts'

/** Longer means that a Mac asks the network for a record that the hosts file lacks (arizz96.dev, local-domain-slowness). */
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
        'Use the address itself in ANTHROPIC_BASE_URL: names ending in .local are also looked up by multicast DNS, which is slow when it gets no answer.',
      )
}

export const judgeNoName = ({ host }: ReachAddress, error: unknown): ReachVerdict => {
  const code = codeOf(error)
  if (code === 'EAI_AGAIN')
    return blocked(`${host} could not be looked up: no name server answers`, 'Check the network connection.')
  if (error instanceof Error && error.name === 'TimeoutError')
    return blocked(
      `looking up ${host} takes too long`,
      'The name server does not answer: use the address that nexus clients shows on the Studio.',
    )
  return blocked(
    `${host} does not resolve on this machine`,
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
  if (code === 'ECONNREFUSED') return blocked(`no program listens on ${place}`, whyRefused(host, port))
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH')
    return blocked(
      `${host} is unreachable from here (${code})`,
      platform === 'darwin'
        ? 'If the Studio answers a ping: System Settings, Privacy & Security, Local Network, and allow your terminal or VS Code (Apple TN3179). Otherwise this Mac is on another network.'
        : 'This machine is on another network than the Studio: check Wi-Fi, cable and VPN.',
    )
  if (code === 'ETIMEDOUT')
    return blocked(
      `${place} does not answer`,
      "The Studio is off or asleep, its address has changed, or a firewall (the Studio's or this machine's) drops the connection.",
    )
  return blocked(
    `no connection to ${place}: ${codeOf(error) || messageOf(error)}`,
    'Check the address and the network.',
  )
}

const whyRefused = (host: string, port: number): string => {
  const router = serviceNames.proxy
  if (port === 80)
    return `The address needs a port: add the port of the ${router} (:4000), or run Traefik on the Studio (gateway.listen in the profile, or nexus traefik).`
  if (/^(?:127\.|::1$|localhost$)/.test(host))
    return `That is this machine itself. nexus status shows whether the ${router} runs here, nexus up starts it. On your own machine this address needs an SSH connection with its LocalForward (nexus clients).`
  return `On the Studio: nexus status shows whether the ${router} runs, nexus up starts it. If it runs, it listens only for that machine: see nexus doctor.`
}

/** Connected, but the HTTP or TLS exchange ended without an answer. */
export const judgeNoAnswer = (address: ReachAddress, error: unknown): ReachVerdict => {
  const { host, port, secure } = address
  const code = codeOf(error)
  if (secure && (code === 'EPROTO' || code.startsWith('ERR_SSL') || code === 'ECONNRESET'))
    return blocked(
      `port ${port} of ${host} does not speak TLS`,
      `Use http:// instead of https://: the ${serviceNames.proxy} speaks plain HTTP.`,
    )
  if (secure && (/CERT|SIGNATURE|ISSUER/.test(code) || code === 'ERR_TLS_CERT_ALTNAME_INVALID'))
    return blocked(
      `the certificate of ${host} is not accepted: ${code}`,
      'Set NODE_EXTRA_CA_CERTS to the certificate of your own authority, for Claude Code as well.',
    )
  if (!secure && code.startsWith('HPE_'))
    return blocked(`port ${port} of ${host} does not speak HTTP (${code})`, 'If it speaks TLS: use https://.')
  if (code === 'ABORT_ERR' || (error instanceof Error && error.name === 'TimeoutError'))
    return blocked(
      `port ${port} of ${host} accepts the connection but does not answer`,
      `On the Studio: nexus status, and nexus logs proxy.`,
    )
  return blocked(
    `${host} closed the connection: ${codeOf(error) || messageOf(error)}`,
    'On the Studio: nexus logs proxy.',
  )
}

export interface PlainAnswer {
  readonly status: number
  /** The `server` header in lower case; empty when absent. */
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
      `a proxy such as Traefik answers, but has no route for ${address.host}`,
      `On the Studio: gateway.listen in the profile runs one with the route, and nexus traefik writes it; it covers only the name ai.opta.local.`,
    )
  if (status >= 502 && status <= 504)
    return blocked(
      `a proxy answers ${status}: the ${serviceNames.proxy} behind it is not running`,
      'On the Studio: nexus up.',
    )
  return blocked(
    `something other than the ${serviceNames.proxy} answers there (${status}${server === '' ? '' : `, ${server}`})`,
    'Compare host and port with nexus clients on the Studio.',
  )
}

/** Why this text cannot be a key, without quoting it; null when it can. */
export const keyProblem = (key: string): string | null => {
  if (key.trim() !== key) return 'the key has blanks or a line break around it'
  if (/^["'].*["']$/.test(key)) return 'the key has quotes around it, which become part of it'
  if (/…/.test(key)) return 'the key is the masked form for display'
  return /^[\x21-\x7e]+$/.test(key) ? null : 'the key contains characters that keys cannot have'
}

/** The answer to GET /v1/models. */
export const judgeKey = (masked: string, { status, body }: PlainAnswer): ReachVerdict => {
  if (status === 200) return reached(`the key ${masked} is accepted`)
  if (status === 401)
    return blocked(
      `the ${serviceNames.proxy} does not know the key ${masked}`,
      'It was rotated or revoked, or belongs to another Studio: nexus clients on the Studio shows the current key.',
    )
  if (status === 503)
    return blocked(
      `the ${serviceNames.proxy} cannot check keys at the moment: ${excerpt(body)}`,
      'On the Studio: nexus doctor.',
    )
  return blocked(
    `the ${serviceNames.proxy} answered ${status} to the list of models: ${excerpt(body)}`,
    'On the Studio: nexus doctor.',
  )
}

export interface ModelAnswer {
  readonly status: number
  /** The body if it was not a stream; else empty. */
  readonly body: string
  /** null: it never came. All times are since the request was sent. */
  readonly firstEventMs: number | null
  readonly firstTokenMs: number | null
  readonly totalMs: number
  readonly events: number
  readonly outputTokens: number | null
  /** The text of an `error` event; null: none. */
  readonly error: string | null
  /** Whether `message_stop` came. */
  readonly ended: boolean
}

/** A stream that takes this long but arrives within this short a time was buffered on the way. */
const heldBackAfterMs = 1_500
const heldBackWithinMs = 30
const fewestEvents = 6

export const judgeModel = (answer: ModelAnswer): ReachVerdict => {
  const { status, body, firstTokenMs, firstEventMs, totalMs, outputTokens, error, events } = answer
  const studio = 'On the Studio: nexus status, and nexus logs llamaServer.'
  if (status === 529 || status === 429)
    return blocked(
      `all slots are busy and the queue is full (${status})`,
      'Try again later; Claude Code retries by itself. nexus status on the Studio shows the queue.',
    )
  if (status !== 200) return blocked(`a short test request got ${status}: ${excerpt(body)}`, studio)
  if (error !== null) return blocked(`the stream ended with an error: ${excerpt(error)}`, studio)
  if (firstTokenMs === null || !answer.ended)
    return blocked(
      answer.ended ? 'the answer had no tokens' : 'the stream broke off',
      `${studio} A proxy with a time limit can cause this too.`,
    )
  const tokens = outputTokens === null ? '' : `, ${outputTokens} tokens`
  const found = `the model answers: first token after ${seconds(firstTokenMs)}, all after ${seconds(totalMs)}${tokens}`
  const spreadMs = totalMs - (firstEventMs ?? totalMs)
  return totalMs > heldBackAfterMs && spreadMs < heldBackWithinMs && events >= fewestEvents
    ? doubtful(
        `${found}, but all at once`,
        'Something between here and the Router buffers the stream, such as a proxy. nexus traefik writes a configuration without buffering.',
      )
    : reached(found)
}

const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(2)} s`

/** The error message of Anthropic or LiteLLM, else the start of the body. */
const excerpt = (body: string): string => {
  const message = /"message"\s*:\s*"((?:[^"\\]|\\.)*)"/.exec(body)?.[1]
  const text = (message ?? body).replace(/\s+/g, ' ').trim()
  return text === '' ? 'nothing' : text.length > 200 ? `${text.slice(0, 200)}…` : text
}
