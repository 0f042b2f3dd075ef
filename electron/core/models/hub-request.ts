// One GET request to the Hub, or to the storage that it redirects to.
//
// Uses node:https, not @huggingface/hub (2.17.5 read): its downloads don't support If-Range, mistake a 200 for the missing half
// of a file, don't check the hash, and lose errors in the middle of a stream (`WebBlob.stream`); it uses fetch, which the core
// avoids (http-ask.ts), and adds 400 KB to the bundle for the three URLs that we need.
import { Agent, type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps, Agent as SecureAgent } from 'node:https'
import { isAllowedAddress } from './hub-address.ts'

/** The Hub, or a mirror of it. */
export interface Hub {
  /** Without a trailing slash. */
  readonly endpoint: URL
  /** Sent only to the endpoint. */
  readonly token: string | null
  /** For proxies (HTTPS_PROXY, NO_PROXY). */
  readonly env: Readonly<Record<string, string | undefined>>
}

export type HubReply = Readonly<Awaited<ReturnType<typeof askHub>>>

export interface HubQuestion {
  readonly headers?: Readonly<Record<string, string>>
  /** The connection counts as lost after this long without a byte. */
  readonly silenceMs: number
  readonly signal: AbortSignal
}

/** A redirect that isn't followed; a retry would end the same way. */
export class RefusedRedirect extends Error {}

/** The Hub needs one or two: for a renamed repository, and to the storage. */
const maxRedirects = 5

/**
 * Follows redirects; the token goes only to the endpoint's own origin. Rejects with the system's error (ECONNREFUSED ...),
 * with RefusedRedirect, or with the signal's reason.
 */
export const askHub = async (hub: Hub, path: string, { headers = {}, silenceMs, signal }: HubQuestion) => {
  let url = new URL(`${hub.endpoint.href.replace(/\/$/, '')}${path}`)
  let linkedEtag: string | null = null
  for (let hop = 0; hop <= maxRedirects; hop++) {
    const isOwn = url.origin === hub.endpoint.origin
    const sent = {
      'user-agent': 'opta-nexus',
      ...headers,
      ...(isOwn && hub.token !== null ? { authorization: `Bearer ${hub.token}` } : {}),
    }
    const body = await askOnce(url, { headers: sent, silenceMs, signal, env: hub.env })
    const status = body.statusCode ?? 0
    if (isOwn) linkedEtag = unquote(body.headers['x-linked-etag']) ?? linkedEtag
    const { location } = body.headers
    if (status < 300 || status > 399 || status === 304 || location === undefined) {
      return {
        status,
        headers: body.headers,
        body,
        /** Whether the Hub redirected us, as it does for every large file. */
        isElsewhere: !isOwn,
        /** The Hub's own X-Linked-Etag of the file, without quotes; null: none. */
        linkedEtag,
        /** Ends the connection. */
        close: () => body.destroy(),
      }
    }
    body.destroy()
    const next = URL.canParse(location, url.href) ? new URL(location, url) : null
    // Without its query, a signature that gives access to the file.
    if (next === null || !isAllowedAddress(next, hub.endpoint))
      throw new RefusedRedirect(
        `${url.host} redirects to ${next === null ? 'an invalid address' : `${next.protocol}//${next.host}`}; allowed: https`,
      )
    url = next
  }
  throw new RefusedRedirect(`${hub.endpoint.host} redirects in a loop: more than ${maxRedirects} redirects`)
}

interface OnceOptions extends Required<HubQuestion> {
  readonly env: Hub['env']
}

const askOnce = (url: URL, { headers, silenceMs, signal, env }: OnceOptions): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const isSecure = url.protocol === 'https:'
    const agent = isSecure ? new SecureAgent({ proxyEnv: { ...env } }) : new Agent({ proxyEnv: { ...env } })
    const outgoing = (isSecure ? requestHttps : requestHttp)(url, { headers, agent, signal }, (body) => {
      // A lost connection is reported to the reader of the body; an unhandled error would end the process.
      body.on('error', () => {})
      resolve(body)
    })
    outgoing.setTimeout(silenceMs, () =>
      outgoing.destroy(new Error(`${url.host} sent nothing for ${Math.round(silenceMs / 1000)} s`)),
    )
    outgoing.on('error', (error) => reject(signal.aborted ? signal.reason : error))
    outgoing.end()
  })

const unquote = (etag: string | string[] | undefined): string | null =>
  typeof etag === 'string' ? etag.replace(/^(?:W\/)?"?([^"]*)"?$/, '$1') : null

/** The whole body as text; null when it is longer than `maxBytes`. Rejects when the connection is lost. */
export const readText = async ({ body, close }: HubReply, maxBytes: number): Promise<string | null> => {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of body) {
    bytes += piece.length
    if (bytes > maxBytes) {
      close()
      return null
    }
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString('utf8')
}
