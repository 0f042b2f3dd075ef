// What an answer through the gateway says of the gateway, and what of the Router behind it.
import { createServer } from 'node:http'
import { expect, it } from 'vitest'
import { judgeGatewayAnswer, probeGateway } from './traefik-service.ts'

const answer = (status: number, text = '') => ({ status, ok: status >= 200 && status < 300, text })

it.each([
  [answer(200, '"I\'m alive!"'), true, 'ready'],
  [answer(200, '<html>'), true, 'unreachable'],
  [answer(404, '404 page not found'), true, 'loading'],
  [answer(404, '404 page not found'), false, 'loading'],
  [answer(502, 'Bad Gateway'), false, 'ready'],
  [answer(502, 'Bad Gateway'), true, 'loading'],
  [answer(504, 'Gateway Timeout'), false, 'ready'],
  [answer(403), true, 'unreachable'],
] as const)('%j while the Router is ready: %s -> %s', (given, routerIsReady, state) => {
  expect(judgeGatewayAnswer(given, routerIsReady).state).toBe(state)
})

it('sends the name in the Host header, whatever the address', async () => {
  let host: string | undefined
  const server = createServer((request, response) => {
    host = request.headers.host
    response.end('"I\'m alive!"')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const url = `http://127.0.0.1:${address.port}`
  expect(await probeGateway(url, () => true, AbortSignal.timeout(5_000))).toEqual({ state: 'ready' })
  expect(host).toBe('ai.opta.local')
  await new Promise((resolve) => server.close(resolve))
  expect(await probeGateway(url, () => true, AbortSignal.timeout(5_000))).toEqual({
    state: 'loading',
    detail: 'nothing answers on its port',
  })
})
