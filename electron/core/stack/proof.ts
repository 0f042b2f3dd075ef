// The end-to-end proof: would a Claude request get an answer? Once through the model, then cheaply without it.

import { z } from 'zod'
import type { Proof } from '../../contract/snapshot.ts'
import { askHttp, describeFetchFailure } from '../base/http-ask.ts'
import { parseJsonOrNull } from '../base/json-record.ts'
import { type ChainFault, checkLiteLlmAuth } from '../router/litellm-health.ts'

/** What an Anthropic client needs from the answer. Other fields vary by version. */
const MessageSchema = z.object({
  type: z.literal('message'),
  role: z.literal('assistant'),
  model: z.string(),
  content: z.array(z.object({ type: z.string() })),
  usage: z.object({ output_tokens: z.number().int().nonnegative() }),
})

/** A cold 70B model may need a minute for its first token, and four busy slots may delay the message longer. */
export const proofTimeoutMs = 600_000
/** Enough to prove that the model works, few enough to cost nothing. */
const maxTokens = 8
/** The answers read here are a few hundred bytes. */
const maxAnswerBytes = 1_048_576
const tooLong = 'an endless answer'

interface ProofRequest {
  readonly baseUrl: string
  readonly apiKey: string
  readonly model: string
  readonly signal: AbortSignal
  readonly timeoutMs: number
}

/**
 * Sends one Anthropic message, client -> LiteLLM -> llama-server and back. Throws an Error with a one-sentence message
 * unless an answer with at least one token comes back.
 */
export const proveEndToEnd = async (options: ProofRequest): Promise<Omit<Proof, 'checkedAt'>> => {
  const startedAt = performance.now()
  const { status, body } = await postMessage(options)
  const milliseconds = Math.round(performance.now() - startedAt)
  if (status !== 200) throw new Error(explainStatus(status, body, options.model))
  const message = MessageSchema.safeParse(parseJsonOrNull(body))
  if (!message.success) throw new Error(`the Router's answer is not an Anthropic message: ${excerpt(body)}`)
  const { output_tokens: outputTokens } = message.data.usage
  if (outputTokens === 0) throw new Error('the model answered with no tokens at all')
  return { provedAt: Date.now(), milliseconds, outputTokens, model: options.model }
}

const postMessage = async (options: ProofRequest): Promise<{ status: number; body: string }> => {
  try {
    const response = await askHttp(`${options.baseUrl}/v1/messages`, {
      method: 'POST',
      maxBytes: maxAnswerBytes,
      signal: AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs)]),
      headers: {
        'content-type': 'application/json',
        'x-api-key': options.apiKey,
        'anthropic-version': '2023-06-01',
      },
      body: JSON.stringify({
        model: options.model,
        max_tokens: maxTokens,
        messages: [{ role: 'user', content: 'Say hello.' }],
      }),
    })
    return { status: response.status, body: response.text ?? tooLong }
  } catch (error) {
    const timedOut = error instanceof Error && error.name === 'TimeoutError'
    if (timedOut) throw new Error(`no answer from the model within ${options.timeoutMs / 1000} s`)
    throw new Error(`could not reach the Router at ${options.baseUrl}: ${describeFetchFailure(error)}`)
  }
}

const explainStatus = (status: number, body: string, model: string): string => {
  const said = readErrorMessage(body)
  if (status === 401 || status === 403) return `the Router refuses our client key (${status}): ${said}`
  if (status === 404) return `the Router does not know /v1/messages or the model ${model} (404): ${said}`
  if (status === 429) return `the Router is overloaded (429): ${said}`
  if (status >= 500) return `the Router got no answer from the AI Engine (${status}): ${said}`
  return `the Router refuses the test message (${status}): ${said}`
}

/** Anthropic's and OpenAI's error bodies both carry `error.message`. */
const ErrorSchema = z.object({ error: z.object({ message: z.string() }) })

const readErrorMessage = (body: string): string => {
  const parsed = ErrorSchema.safeParse(parseJsonOrNull(body))
  return excerpt(parsed.success ? parsed.data.error.message : body)
}

/** One line, short enough for a status view. */
const excerpt = (text: string): string => {
  const line = text.replace(/\s+/g, ' ').trim()
  if (line === '') return 'an empty answer'
  return line.length > 200 ? `${line.slice(0, 200)}…` : line
}

/**
 * The cheap repeat: LiteLLM accepts the client's key, llama-server is up and accepts LiteLLM's key. Uses no slot.
 * @returns null when all is well, else the fault nearest to the client
 */
export const checkChain = async (options: {
  readonly proxyBaseUrl: string
  readonly clientKey: string
  readonly engineBaseUrl: string
  readonly engineKey: string
  readonly signal: AbortSignal
}): Promise<ChainFault | null> => {
  const { engineBaseUrl, engineKey, signal } = options
  const faults = await Promise.all([
    checkLiteLlmAuth(options.proxyBaseUrl, options.clientKey, signal),
    checkEngine('GET', `${engineBaseUrl}/health`, engineKey, signal),
    // /health and /v1/models need no key (b10068); /tokenize does, and doesn't wait for a slot.
    checkEngine('POST', `${engineBaseUrl}/tokenize`, engineKey, signal),
  ])
  return faults.find((fault) => fault !== null) ?? null
}

const checkEngine = async (
  method: 'GET' | 'POST',
  url: string,
  key: string,
  signal: AbortSignal,
): Promise<ChainFault | null> => {
  try {
    const response = await askHttp(url, {
      method,
      maxBytes: maxAnswerBytes,
      signal,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(method === 'POST' ? { body: '{"content":""}' } : {}),
    })
    const body = response.text ?? tooLong
    if (response.ok) return null
    const reason =
      response.status === 401
        ? "the AI Engine refuses the Router's key (401)"
        : `the AI Engine is not well (${response.status}): ${readErrorMessage(body)}`
    return { reason, kind: 'refused' }
  } catch (error) {
    return { reason: `the AI Engine does not answer: ${describeFetchFailure(error)}`, kind: 'unanswered' }
  }
}
