// The path from a client to the model, against servers that fail in one way each; e2e has the real ones.
import { createServer, type RequestListener, type Server } from 'node:http'
import {
  type AddressInfo,
  createServer as createTcpServer,
  type Socket,
  type Server as TcpServer,
} from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { ReachReport } from './reach-test.ts'
import { testReach } from './reach-test.ts'

const open: (Server | TcpServer)[] = []
afterEach(async () => {
  for (const server of open.splice(0)) {
    if ('closeAllConnections' in server) server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})

/** Discards its input, and survives a client that hangs up. */
const tcpServer = (greet: (socket: Socket) => void): TcpServer =>
  createTcpServer((socket) => {
    socket.on('error', () => {})
    socket.resume()
    greet(socket)
  })

const listen = async (server: Server | TcpServer): Promise<string> => {
  open.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return `http://127.0.0.1:${port}`
}

const walk = (url: string, change: { key?: string; stepMs?: number } = {}): Promise<ReachReport> =>
  testReach({
    url,
    key: change.key ?? 'sk-opta-good',
    model: 'any',
    env: {},
    platform: 'linux',
    signal: new AbortController().signal,
    onStep: () => {},
    timeouts: { stepMs: change.stepMs ?? 2_000, modelMs: 5_000 },
  })

const events = (...list: readonly object[]) =>
  list.map((event) => `event: x\ndata: ${JSON.stringify(event)}\n\n`).join('')
const whole = events(
  { type: 'message_start', message: { usage: { output_tokens: 0 } } },
  { type: 'content_block_delta', delta: { type: 'thinking_delta', thinking: 'hm' } },
  { type: 'message_delta', delta: {}, usage: { output_tokens: 3 } },
  { type: 'message_stop' },
)

/** Answers like the Router, except for one path. */
const router =
  (odd: Readonly<Record<string, RequestListener>> = {}): RequestListener =>
  (request, response) => {
    const other = odd[request.url ?? '']
    if (other !== undefined) return other(request, response)
    if (request.url === '/health/liveliness') return response.end('"I\'m alive!"')
    if (request.headers['x-api-key'] !== 'sk-opta-good') {
      response.statusCode = 401
      return response.end('{"error":{"message":"this API key is not known here"}}')
    }
    if (request.url === '/v1/models') return response.end('{"data":[]}')
    response.setHeader('content-type', 'text/event-stream; charset=utf-8')
    return response.end(whole)
  }

describe('testReach', () => {
  it('walks to the model and back', async () => {
    const report = await walk(await listen(createServer(router())))
    expect(report).toMatchObject({ works: true, failed: null, refused: false })
    expect(report.steps.map(({ id, level }) => `${id} ${level}`)).toEqual([
      'address ok',
      'name ok',
      'connection ok',
      'router ok',
      'key ok',
      'model ok',
    ])
    expect(report.steps.at(-1)?.found).toContain('3 tokens')
  })

  it('stops at the key, shows only its start, and sends no request to the model', async () => {
    const report = await walk(await listen(createServer(router())), {
      key: 'sk-opta-wrong-but-long-enough-1',
    })
    expect(report).toMatchObject({ works: false, failed: 'key' })
    expect(JSON.stringify(report)).not.toContain('wrong-but')
    expect(report.steps.at(-1)).toMatchObject({ id: 'model', level: 'skipped' })
  })

  it.each<[string, Readonly<Record<string, RequestListener>>, string, string]>([
    [
      'something other',
      { '/health/liveliness': (_, response) => response.end('hello') },
      'router',
      'something other',
    ],
    [
      'an error in the stream',
      {
        '/v1/messages': (_, response) => {
          response.setHeader('content-type', 'text/event-stream')
          response.end(events({ type: 'error', error: { message: 'upstream is gone' } }))
        },
      },
      'model',
      'upstream is gone',
    ],
    [
      'a stream that is cut',
      {
        '/v1/messages': (_, response) => {
          response.setHeader('content-type', 'text/event-stream')
          response.write(events({ type: 'content_block_delta', delta: { text: 'a' } }), () =>
            response.destroy(),
          )
        },
      },
      'model',
      'the connection',
    ],
  ])('ends at %s', async (_, odd, failed, words) => {
    const report = await walk(await listen(createServer(router(odd))))
    expect(report).toMatchObject({ works: false, failed })
    expect(report.steps.find(({ level }) => level === 'fail')?.found).toContain(words)
  })

  it('recognises a port without a listener', async () => {
    const server = tcpServer(() => {})
    const url = await listen(server)
    await new Promise((resolve) => server.close(resolve))
    open.length = 0
    expect(await walk(url)).toMatchObject({ works: false, failed: 'connection', refused: true })
  })

  it('recognises a silent server, and one that speaks another protocol', async () => {
    const silent = await walk(await listen(tcpServer(() => {})), { stepMs: 300 })
    expect(silent.steps.find(({ id }) => id === 'router')?.found).toContain('does not answer')
    const strange = await walk(await listen(tcpServer((socket) => socket.end('SSH-2.0-x\r\n'))))
    expect(strange.steps.find(({ id }) => id === 'router')?.found).toContain('does not speak HTTP')
  })

  it('recognises a server without TLS', async () => {
    const url = await listen(createServer(router()))
    const report = await walk(url.replace('http:', 'https:'))
    expect(report.steps.find(({ id }) => id === 'router')?.found).toContain('does not speak TLS')
  })

  it('recognises a name that does not exist (RFC 6761: .invalid never does)', async () => {
    const report = await walk('http://nexus.invalid:4000')
    expect(report.failed).toBe('name')
    expect(report.steps.filter(({ level }) => level === 'skipped')).toHaveLength(4)
  })

  it('stops when aborted', async () => {
    const stop = new AbortController()
    const url = await listen(tcpServer(() => {}))
    const walking = testReach({
      url,
      key: 'sk-opta-good',
      model: 'any',
      env: {},
      platform: 'linux',
      signal: stop.signal,
      onStep: ({ id }) => {
        if (id === 'connection') stop.abort(new Error('enough'))
      },
    })
    await expect(walking).rejects.toThrow('enough')
  })
})
