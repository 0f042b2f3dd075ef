// Probes Traefik: one request through it to the Router itself, never to the model.

import { askHttp, describeFetchFailure, type HttpAnswer, isRefused } from '../base/http-ask.ts'
import { clientName } from '../config/gateway-address.ts'
import type { ProbeResult } from '../supervise/child-service.ts'

/** LiteLLM answers 12 bytes, Traefik's own errors are a few words. */
const maxAnswerBytes = 65_536

/**
 * Seen on 3.7.15: it opens its port before its rule is read and answers 404 meanwhile (about 100 ms); 502 while nothing
 * listens on the Router's port.
 * @param routerIsReady whether the Router answers direct requests; if not, a 502 is the Router's fault and Traefik is fine
 */
export const judgeGatewayAnswer = ({ status, ok, text }: HttpAnswer, routerIsReady: boolean): ProbeResult => {
  if (ok)
    return text?.includes("I'm alive!") === true
      ? { state: 'ready' }
      : { state: 'unreachable', detail: 'something other than our Router answers under its name' }
  if (status === 404) return { state: 'loading', detail: `its rule for ${clientName} is not loaded yet` }
  if (status === 502 || status === 504)
    return routerIsReady
      ? { state: 'loading', detail: `it cannot reach the Router (it answers ${status})` }
      : { state: 'ready' }
  return { state: 'unreachable', detail: `${clientName}/health/liveliness answered ${status}` }
}

/** @param localUrl Traefik's address as seen from this machine */
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
    if (isRefused(error)) return { state: 'loading', detail: 'nothing answers on its port' }
    return { state: 'unreachable', detail: describeFetchFailure(error) }
  }
}
