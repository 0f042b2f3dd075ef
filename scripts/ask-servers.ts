// Asks the servers of a stack as their clients do, and reads what they stream.
import { messageOf } from '../electron/core/base/error-message.ts'

export interface AskedRouter {
  readonly routerUrl: string
  readonly clientKey: () => string
  readonly signal: AbortSignal
}

export interface AskedEngine {
  readonly engineUrl: string
  readonly engineKey: () => string
  readonly signal: AbortSignal
}

interface Asking {
  /** Ends this request earlier than all of them. */
  readonly leaving?: AbortSignal
  readonly headers?: Readonly<Record<string, string>>
}

/** @param body a string is sent as it is */
const post = (url: string, body: object | string, signal: AbortSignal, { leaving, headers }: Asking) =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    signal: leaving === undefined ? signal : AbortSignal.any([signal, leaving]),
  })

export const askRouter = (
  { routerUrl, clientKey, signal }: AskedRouter,
  path: string,
  body: object | string,
  asking: Asking = {},
): Promise<Response> =>
  post(`${routerUrl}${path}`, body, signal, {
    ...asking,
    headers: { 'anthropic-version': '2023-06-01', 'x-api-key': clientKey(), ...asking.headers },
  })

export const askEngine = (
  { engineUrl, engineKey, signal }: AskedEngine,
  path: string,
  body: object,
  leaving?: AbortSignal,
): Promise<Response> =>
  post(`${engineUrl}${path}`, body, signal, {
    ...(leaving === undefined ? {} : { leaving }),
    headers: { authorization: `Bearer ${engineKey()}` },
  })

/** The data fields of a stream of server-sent events (HTML standard, "Server-sent events"). */
export async function* readServerSentEvents(response: Response): AsyncGenerator<string> {
  if (!response.ok || response.body === null)
    throw new Error(`${response.url} answered ${response.status}: ${await response.text()}`)
  let rest = ''
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = `${rest}${text}`.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line.startsWith('data:')) yield line.slice('data:'.length).trim()
  }
}

/** The error of `fetch` only says that it failed; its cause says why. */
export const describeFailure = (error: unknown): string =>
  error instanceof Error && error.cause !== undefined
    ? `${error.message}: ${messageOf(error.cause)}`
    : messageOf(error)
