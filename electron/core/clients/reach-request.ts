// The test's requests over HTTP or TLS: a short answer as text, and a stream with timed events.
import { type ClientRequest, type IncomingMessage, request as plainRequest } from 'node:http'
import { request as secureRequest } from 'node:https'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import { parseJsonOrNull } from '../base/json-record.ts'
import type { ModelAnswer, PlainAnswer } from './reach-judgement.ts'

export interface ReachRequest {
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON by POST; absent: GET. */
  readonly body?: unknown
  readonly signal: AbortSignal
}

const maxBodyBytes = 65_536

const open = ({ url, headers, body, signal }: ReachRequest): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const send = url.startsWith('https:') ? secureRequest : plainRequest
    const text = body === undefined ? undefined : JSON.stringify(body)
    const outgoing: ClientRequest = send(
      url,
      {
        method: text === undefined ? 'GET' : 'POST',
        headers: { ...headers, ...(text === undefined ? {} : { 'content-type': 'application/json' }) },
        // Like a new client: don't reuse an earlier step's connection.
        agent: false,
        signal,
      },
      resolve,
    )
    outgoing.once('error', (error) => reject(signal.aborted ? signal.reason : error))
    outgoing.end(text)
  })

const readBody = async (answer: IncomingMessage): Promise<string> => {
  let text = ''
  for await (const piece of answer.setEncoding('utf8')) {
    text += piece
    if (text.length > maxBodyBytes) break
  }
  return text
}

/** Rejects with the error of the system, TLS or the HTTP parser, or with the signal's reason. */
export const askPlain = async (question: ReachRequest): Promise<PlainAnswer> => {
  const answer = await open(question)
  const server = String(answer.headers['server'] ?? '').toLowerCase()
  return { status: answer.statusCode ?? 0, server, body: await readBody(answer) }
}

const EventSchema = z.object({
  type: z.string(),
  delta: z.object({ text: z.string().optional(), thinking: z.string().optional() }).optional(),
  usage: z.object({ output_tokens: z.number().optional() }).optional(),
  error: z.object({ message: z.string().optional() }).optional(),
})

/** One streamed Anthropic message, as Claude Code requests it. Rejects like `askPlain`. */
export const askModel = async (
  question: Omit<ReachRequest, 'body'> & { readonly model: string },
): Promise<ModelAnswer> => {
  const startedAt = performance.now()
  const sinceStart = () => performance.now() - startedAt
  const { model, ...rest } = question
  const answer = await open({
    ...rest,
    url: `${question.url}/v1/messages`,
    headers: { ...question.headers, 'anthropic-version': '2023-06-01', accept: 'text/event-stream' },
    body: {
      model,
      // A thinking model spends these on thinking, which counts as an answer.
      max_tokens: 16,
      stream: true,
      messages: [{ role: 'user', content: 'Say hello.' }],
    },
  })
  const seen: { -readonly [Field in keyof ModelAnswer]: ModelAnswer[Field] } = {
    status: answer.statusCode ?? 0,
    body: '',
    firstEventMs: null,
    firstTokenMs: null,
    totalMs: 0,
    events: 0,
    outputTokens: null,
    error: null,
    ended: false,
  }
  if (seen.status !== 200 || !String(answer.headers['content-type']).includes('text/event-stream'))
    return { ...seen, body: await readBody(answer), totalMs: sinceStart() }
  for await (const line of createInterface({ input: answer })) {
    if (!line.startsWith('data:')) continue
    const event = EventSchema.safeParse(parseJsonOrNull(line.slice(5)))
    if (!event.success) continue
    const { type, delta, usage, error } = event.data
    seen.events += 1
    seen.firstEventMs ??= sinceStart()
    if ((delta?.text ?? '') !== '' || (delta?.thinking ?? '') !== '') seen.firstTokenMs ??= sinceStart()
    seen.outputTokens = usage?.output_tokens ?? seen.outputTokens
    if (type === 'error') seen.error = error?.message ?? line.slice(5)
    if (type === 'message_stop') seen.ended = true
  }
  return { ...seen, totalMs: sinceStart() }
}
