import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { checkChain, proveEndToEnd } from './proof.ts'

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

const serve = async (
  listener: (request: IncomingMessage, response: ServerResponse, body: string) => void,
): Promise<string> => {
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    listener(request, response, body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return `http://127.0.0.1:${address.port}`
}

const answering = (status: number, body: unknown): Promise<string> =>
  serve((_, response) =>
    response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body)),
  )

// As LiteLLM 1.106.2 answered, with other texts and numbers.
const message = {
  id: 'chatcmpl-1',
  type: 'message',
  role: 'assistant',
  model: 'claude-3-5-sonnet-20241022',
  stop_sequence: null,
  usage: { input_tokens: 5, output_tokens: 8, cache_read_input_tokens: 22 },
  content: [{ type: 'text', text: 'Hello there' }],
  stop_reason: 'max_tokens',
  stop_details: null,
}

const never = new AbortController().signal
const prove = (baseUrl: string, timeoutMs = 5000, signal = never) =>
  proveEndToEnd({ baseUrl, apiKey: 'sk-client', model: 'claude-3-5-sonnet-20241022', signal, timeoutMs })

describe('the end-to-end proof', () => {
  it('sends one small Anthropic message and reads the answer', async () => {
    let asked: unknown = null
    const url = await serve((request, response, body) => {
      asked = { url: request.url, key: request.headers['x-api-key'], ...JSON.parse(body) }
      response.end(JSON.stringify(message))
    })
    const answer = await prove(url)
    expect(answer).toMatchObject({ outputTokens: 8, model: 'claude-3-5-sonnet-20241022' })
    expect(Number.isInteger(answer.milliseconds)).toBe(true)
    expect(asked).toMatchObject({ url: '/v1/messages', key: 'sk-client', max_tokens: 8 })
  })

  it('is content with thinking alone: it is the model that answered', async () => {
    const url = await answering(200, { ...message, content: [{ type: 'thinking', thinking: 'The user' }] })
    expect((await prove(url)).outputTokens).toBe(8)
  })

  it.each([
    [
      'no tokens',
      200,
      { ...message, usage: { output_tokens: 0 } },
      'the model answered with no tokens at all',
    ],
    ['an HTML page', 200, '<html>', "the Router's answer is not an Anthropic message: <html>"],
    ['nothing', 200, '', "the Router's answer is not an Anthropic message: an empty answer"],
    ['an OpenAI answer', 200, { choices: [] }, 'is not an Anthropic message'],
    [
      '401',
      401,
      { error: { message: 'this API key is not known here', type: 'authentication_error' } },
      'the Router refuses our client key (401): this API key is not known here',
    ],
    ['404', 404, { detail: 'Not Found' }, 'the Router does not know /v1/messages or the model'],
    ['429', 429, { error: { message: 'No deployments available' } }, '(429): No deployments available'],
    [
      '500',
      500,
      { type: 'error', error: { type: 'api_error', message: 'OpenAIException - Connection error.' } },
      'the Router got no answer from the AI Engine (500): OpenAIException - Connection error.',
    ],
    ['a plain 500', 500, 'Internal Server Error', '(500): Internal Server Error'],
  ])('fails on %s with a sentence', async (_, status, body, reason) => {
    await expect(prove(await answering(status, body))).rejects.toThrow(reason)
  })

  it('keeps a long answer out of the sentence', async () => {
    const url = await answering(500, 'x'.repeat(100_000))
    await expect(prove(url)).rejects.toThrow(/^.{50,300}…$/)
  })

  it('fails when nothing listens, in time, or when it is cancelled', async () => {
    const gone = await answering(200, message)
    for (const close of closers.splice(0)) close()
    await expect(prove(gone)).rejects.toThrow('could not reach the Router at')
    const silent = await serve(() => {})
    await expect(prove(silent, 50)).rejects.toThrow('no answer from the model within 0.05 s')
    await expect(prove(silent, 5000, AbortSignal.abort())).rejects.toThrow('cancelled')
  })
})

describe('the cheap repeat', () => {
  const chain = async (given: { proxyKey?: string; engineKey?: string; health?: number }) => {
    const asked: string[] = []
    const proxyBaseUrl = await serve((request, response) => {
      asked.push(`proxy ${request.url}`)
      response
        .writeHead(request.headers['x-api-key'] === (given.proxyKey ?? 'sk-client') ? 200 : 401)
        .end('{}')
    })
    const engineBaseUrl = await serve((request, response) => {
      asked.push(`engine ${request.url}`)
      if (request.url === '/health') {
        response.writeHead(given.health ?? 200).end('{"error":{"message":"Loading model"}}')
        return
      }
      const known = request.headers.authorization === `Bearer ${given.engineKey ?? 'sk-engine'}`
      response.writeHead(known ? 200 : 401).end('{"tokens":[]}')
    })
    const keys = { clientKey: 'sk-client', engineKey: 'sk-engine' }
    const reason = await checkChain({ proxyBaseUrl, engineBaseUrl, ...keys, signal: never })
    return { reason, asked }
  }

  it('is content when both servers are up and take their keys, without a message', async () => {
    const { reason, asked } = await chain({})
    expect(reason).toBeNull()
    expect(asked.sort()).toEqual(['engine /health', 'engine /tokenize', 'proxy /v1/models'])
  })

  it('names what is broken, nearest to the client first', async () => {
    expect((await chain({ proxyKey: 'sk-other' })).reason?.reason).toBe(
      'the Router refuses our client key (401)',
    )
    expect((await chain({ health: 503 })).reason?.reason).toBe(
      'the AI Engine is not well (503): Loading model',
    )
    expect((await chain({ engineKey: 'sk-other' })).reason?.reason).toBe(
      "the AI Engine refuses the Router's key (401)",
    )
    expect((await chain({ proxyKey: 'sk-other', engineKey: 'sk-other' })).reason?.reason).toContain(
      'Router refuses',
    )
  })
})
