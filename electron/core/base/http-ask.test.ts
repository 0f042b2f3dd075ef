// Questions over HTTP to real servers on loopback that answer well, badly, too much, or not at all.
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { askHttp } from './http-ask.ts'

let server: Server | null = null
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

const serve = (listener: RequestListener): Promise<string> =>
  new Promise((resolve) => {
    const made = createServer(listener)
    server = made
    made.listen(0, '127.0.0.1', () => {
      const { port } = made.address() as AddressInfo
      resolve(`http://127.0.0.1:${port}`)
    })
  })

const signal = () => AbortSignal.timeout(10_000)

describe('askHttp', () => {
  it('takes an answer of several pieces, whole characters and all', async () => {
    const url = await serve((_, response) => {
      const bytes = Buffer.from('aüb')
      response.write(bytes.subarray(0, 2), () => response.end(bytes.subarray(2)))
    })
    expect(await askHttp(url, { signal: signal(), maxBytes: 4 })).toEqual({
      status: 200,
      ok: true,
      text: 'aüb',
    })
  })

  it('sends method, headers and body', async () => {
    const url = await serve((incoming, response) => {
      incoming.on('data', (piece) =>
        response.end(`${incoming.method} ${incoming.headers['x-api-key']} ${piece}`),
      )
    })
    const question = { method: 'POST', headers: { 'x-api-key': 'k' }, body: 'hello' } as const
    expect((await askHttp(url, { ...question, signal: signal(), maxBytes: 99 })).text).toBe('POST k hello')
  })

  it('does not accept more than allowed', async () => {
    const ended = new Promise<void>((resolve) => {
      void serve((_, response) => {
        response.once('close', () => resolve())
        const pour = () => response.write('x'.repeat(65_536), () => setImmediate(pour))
        pour()
      }).then(async (url) => {
        expect(await askHttp(url, { signal: signal(), maxBytes: 100_000 })).toMatchObject({ text: null })
      })
    })
    await ended
  })

  it('reports an error status', async () => {
    const url = await serve((_, response) => response.writeHead(503).end('loading'))
    expect(await askHttp(url, { signal: signal(), maxBytes: 99 })).toEqual({
      status: 503,
      ok: false,
      text: 'loading',
    })
  })

  it('rejects with the reason of the signal', async () => {
    const url = await serve(() => {})
    await expect(askHttp(url, { signal: AbortSignal.timeout(50), maxBytes: 9 })).rejects.toMatchObject({
      name: 'TimeoutError',
    })
  })

  it('rejects an interrupted answer, and a port where nothing listens', async () => {
    const url = await serve((_, response) => {
      response.writeHead(200, { 'content-length': '100' })
      response.write('half', () => response.destroy())
    })
    await expect(askHttp(url, { signal: signal(), maxBytes: 999 })).rejects.toThrow()
    await new Promise((resolve) => server?.close(resolve))
    await expect(askHttp(url, { signal: signal(), maxBytes: 9 })).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    })
  })
})
