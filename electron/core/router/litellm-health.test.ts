import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { checkLiteLlmAuth, probeLiteLlm, warmLiteLlm } from './litellm-health.ts'

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

const serve = async (listener: RequestListener): Promise<string> => {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return urlOf(server.address())
}

const urlOf = (address: AddressInfo | string | null): string => {
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return `http://127.0.0.1:${address.port}`
}

const freeUrl = async (): Promise<string> => {
  const server = createTcpServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = urlOf(server.address())
  await new Promise<void>((resolve) => server.close(() => resolve()))
  return url
}

const never = new AbortController().signal

describe('probing LiteLLM', () => {
  it('is ready once /health/liveliness says so, and asks nothing else', async () => {
    const asked: string[] = []
    const url = await serve((request, response) => {
      asked.push(`${request.method} ${request.url}`)
      response.end('"I\'m alive!"')
    })
    expect(await probeLiteLlm(url, never)).toEqual({ state: 'ready' })
    expect(asked).toEqual(['GET /health/liveliness'])
  })

  it('is loading while its port is closed', async () => {
    expect(await probeLiteLlm(await freeUrl(), never)).toEqual({
      state: 'loading',
      detail: 'loading its modules',
    })
  })

  it('is unreachable after an error, no answer, or an answer from another program', async () => {
    const erring = await serve((_, response) => response.writeHead(500).end('Internal Server Error'))
    expect(await probeLiteLlm(erring, never)).toEqual({
      state: 'unreachable',
      detail: '/health/liveliness answered 500',
    })
    const other = await serve((_, response) => response.end('<html>'))
    expect((await probeLiteLlm(other, never)).state).toBe('unreachable')
    const silent = await serve(() => {})
    expect(await probeLiteLlm(silent, AbortSignal.timeout(50))).toEqual({
      state: 'unreachable',
      detail: 'no answer in time',
    })
    const rude = await serve((request) => request.socket.destroy())
    expect((await probeLiteLlm(rude, never)).state).toBe('unreachable')
  })
})

describe('checking the client key', () => {
  it('asks for the models with the key', async () => {
    const url = await serve((request, response) => {
      const known = request.url === '/v1/models' && request.headers['x-api-key'] === 'sk-good'
      response.writeHead(known ? 200 : 401).end('{}')
    })
    expect(await checkLiteLlmAuth(url, 'sk-good', never)).toBeNull()
    expect(await checkLiteLlmAuth(url, 'sk-bad', never)).toEqual({
      reason: 'the Router refuses our client key (401)',
      kind: 'refused',
    })
    expect(await checkLiteLlmAuth(await freeUrl(), 'sk-good', never)).toEqual({
      reason: 'the Router does not answer: connection refused',
      kind: 'unanswered',
    })
  })
})

describe('warming LiteLLM up', () => {
  it('sends one message of one token and ignores a failure', async () => {
    const asked: string[] = []
    const url = await serve((request, response) => {
      asked.push(`${request.method} ${request.url} ${request.headers['x-api-key']}`)
      response.writeHead(503).end('{"error":{"message":"Loading model"}}')
    })
    await warmLiteLlm(url, 'sk-client', never)
    expect(asked).toEqual(['POST /v1/messages sk-client'])
    await expect(warmLiteLlm(await freeUrl(), 'sk-client', never)).resolves.toBeUndefined()
    await expect(warmLiteLlm(url, 'sk-client', AbortSignal.abort())).resolves.toBeUndefined()
  })
})
