// Probes LiteLLM, never through the model.

import { askHttp, describeFetchFailure, isRefused } from '../base/http-ask.ts'
import type { ProbeResult } from '../supervise/child-service.ts'

/** LiteLLM answers 12 bytes. */
const maxAnswerBytes = 65_536

/**
 * Whether LiteLLM serves: GET /health/liveliness, 2-3 ms and no key (measured on 1.106.2).
 * Never /health, which makes the model generate and uses a slot.
 */
export const probeLiteLlm = async (baseUrl: string, signal: AbortSignal): Promise<ProbeResult> => {
  try {
    const response = await askHttp(`${baseUrl}/health/liveliness`, { signal, maxBytes: maxAnswerBytes })
    const body = response.text ?? ''
    if (response.ok && body.includes("I'm alive!")) return { state: 'ready' }
    return {
      state: 'unreachable',
      detail: response.ok
        ? `something other than LiteLLM answers at ${baseUrl}`
        : `/health/liveliness answered ${response.status}`,
    }
  } catch (error) {
    // It opens its port only when it is ready to serve, so a refused connection means that it is loading.
    if (isRefused(error)) return { state: 'loading', detail: 'loading its modules' }
    return { state: 'unreachable', detail: describeFetchFailure(error) }
  }
}

/** A fault between a client and the model. */
export interface ChainFault {
  readonly reason: string
  /** `refused`: a server answered with an error; `unanswered`: none answered in time, perhaps because of load. */
  readonly kind: 'refused' | 'unanswered'
}

/** Whether LiteLLM accepts this key, checked without the model; null when it does. */
export const checkLiteLlmAuth = async (
  baseUrl: string,
  key: string,
  signal: AbortSignal,
): Promise<ChainFault | null> => {
  try {
    const headers = { 'x-api-key': key }
    const response = await askHttp(`${baseUrl}/v1/models`, { signal, headers, maxBytes: 0 })
    if (response.ok) return null
    const reason =
      response.status === 401
        ? 'the Router refuses our client key (401)'
        : `the Router answered ${response.status} when asked for its models`
    return { reason, kind: 'refused' }
  } catch (error) {
    return { reason: `the Router does not answer: ${describeFetchFailure(error)}`, kind: 'unanswered' }
  }
}

/**
 * Makes LiteLLM load the modules that it otherwise loads for its first message, which would cost the first client 1.5 s
 * (measured on 1.106.2). For use while llama-server is still loading its model: its 503, or a refused connection, comes
 * back at once and uses no slot. The answer means nothing, so it is dropped.
 */
export const warmLiteLlm = async (baseUrl: string, key: string, signal: AbortSignal): Promise<void> => {
  try {
    await askHttp(`${baseUrl}/v1/messages`, {
      method: 'POST',
      signal,
      maxBytes: maxAnswerBytes,
      headers: { 'content-type': 'application/json', 'x-api-key': key },
      // One token, in case llama-server has become ready meanwhile.
      body: '{"model":"warm-up","max_tokens":1,"messages":[{"role":"user","content":"."}]}',
    })
  } catch {
    // The probe and the proof report any fault.
  }
}
