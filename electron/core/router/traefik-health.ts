// Asking Traefik how it is: one request through it to the Router's own answer, never through the model.

import { askHttp, describeFetchFailure, type HttpAnswer, isRefused } from '../base/http-ask.ts'
import { clientName } from '../config/host-name.ts'
import type { ProbeResult } from '../supervise/child-service.ts'

/** LiteLLM says 12 bytes, Traefik's own errors are a few words. */
const maxAnswerBytes = 65_536

/**
 * Seen on 3.7.15: it opens its port before its rule is read and answers 404 meanwhile (some 100 ms); 502 while nothing
 * listens at the Router's port.
 * @param routerIsReady whether the Router answers those who ask it directly: else 502 is the Router's trouble, and Traefik
 * does all that it can
 */
export const judgeGatewayAnswer = ({ status, ok, text }: HttpAnswer, routerIsReady: boolean): ProbeResult => {
  if (ok)
    return text?.includes("I'm alive!") === true
      ? { state: 'ready' }
      : { state: 'unreachable', detail: 'something that is not our Router answers under its name' }
  if (status === 404) return { state: 'loading', detail: `its rule for ${clientName} is not loaded yet` }
  if (status === 502 || status === 504)
    return routerIsReady
      ? { state: 'loading', detail: `it does not reach the Router (it answers ${status})` }
      : { state: 'ready' }
  return { state: 'unreachable', detail: `${clientName}/health/liveliness answered ${status}` }
}

/** @param localUrl where Traefik listens, as this machine reaches it */
export const probeGateway = async (
  localUrl: string,
  routerIsReady: () => boolean,
  signal: AbortSignal,
): Promise<ProbeResult> => {
  try {
    const headers = { host: clientName }
    const answer = await askHttp(`${localUrl}/health/liveliness`, {
      signal,
      headers,
      maxBytes: maxAnswerBytes,
    })
    return judgeGatewayAnswer(answer, routerIsReady())
  } catch (error) {
    if (isRefused(error)) return { state: 'loading', detail: 'nothing answers at its port' }
    return { state: 'unreachable', detail: describeFetchFailure(error) }
  }
}
