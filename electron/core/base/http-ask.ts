// Sends one HTTP request; the answer may be slow, and its length is limited.
import { request } from 'node:http'

export interface HttpQuestion {
  readonly method?: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal: AbortSignal
  /** A longer answer is dropped and the connection closed; 0: only the status is needed. */
  readonly maxBytes: number
}

export interface HttpAnswer {
  readonly status: number
  /** A status from 200 to 299. */
  readonly ok: boolean
  /** null when it was longer than `maxBytes`, or not requested. */
  readonly text: string | null
}

/**
 * Uses node:http, not fetch: in the core, which runs for weeks, fetch took 17 MB more resident memory, and it gives up after
 * 300 s without a first byte, while four busy slots may delay a message for longer (measured with Node 24).
 * One connection per request: the server may close a kept one just as the next request is sent.
 *
 * Rejects with the signal's reason when aborted, else with the system's error (ECONNREFUSED ...).
 */
export const askHttp = (url: string, question: HttpQuestion): Promise<HttpAnswer> =>
  new Promise((resolve, reject) => {
    const { signal, maxBytes, body } = question
    const fail = (error: unknown) => reject(signal.aborted ? signal.reason : error)
    const outgoing = request(
      url,
      { method: question.method ?? 'GET', headers: { ...question.headers }, agent: false, signal },
      (incoming) => {
        const status = incoming.statusCode ?? 0
        const ok = status >= 200 && status < 300
        if (maxBytes === 0) {
          resolve({ status, ok, text: null })
          outgoing.destroy()
          return
        }
        const pieces: Buffer[] = []
        let bytes = 0
        incoming.on('data', (piece: Buffer) => {
          bytes += piece.length
          pieces.push(piece)
          if (bytes <= maxBytes) return
          resolve({ status, ok, text: null })
          outgoing.destroy()
        })
        incoming.once('end', () => resolve({ status, ok, text: Buffer.concat(pieces).toString('utf8') }))
        incoming.once('error', fail)
        // An interrupted answer emits no `end`, and not always an error.
        incoming.once('close', () => fail(new Error('the connection ended in the middle of the answer')))
      },
    )
    outgoing.once('error', fail)
    outgoing.end(body)
  })

/** A readable reason, also from an error's `cause`. */
export const describeFetchFailure = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError') return 'no answer in time'
  if (error.name === 'AbortError') return 'cancelled'
  if (isRefused(error)) return 'connection refused'
  const { cause } = error
  return cause instanceof Error && cause.message !== '' ? cause.message : error.message
}

export const isRefused = (error: unknown): boolean => {
  if (!(error instanceof Error)) return false
  if ('code' in error && error.code === 'ECONNREFUSED') return true
  return error.cause !== undefined && isRefused(error.cause)
}
