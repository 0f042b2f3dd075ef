// What the Router tells about its requests, over a real socket.
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { StackEvent } from '../../contract/notice.ts'
import { type CacheEvent, createCacheEvents, createRouterFeed, type RouterFeed } from './router-feed.ts'

let folder: string
let server: Server
let feed: RouterFeed
let connections: Socket[]
let changes: number
let heard: CacheEvent[]
let wake = () => {}

const socketPath = () => join(folder, 'router.sock')

const open = async () => {
  connections = []
  server = createServer((connection) => {
    connections.push(connection)
    wake()
  })
  await new Promise<void>((resolve) => server.listen(socketPath(), () => resolve()))
}

/** Settles when `holds`, looked at whenever something happened. */
const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) {
    await new Promise<void>((resolve) => {
      wake = resolve
    })
  }
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'nexus-feed-'))
  changes = 0
  heard = []
  await open()
  feed = createRouterFeed({
    socketPath: socketPath(),
    onChange: () => {
      changes += 1
      wake()
    },
    onCacheEvent: (event) => {
      heard.push(event)
      wake()
    },
    now: () => new Date(2026, 10, 23, 12),
  })
})
afterEach(async () => {
  feed.close()
  for (const connection of connections) connection.destroy()
  await new Promise<void>((resolve) => server.close(() => resolve()))
  rmSync(folder, { recursive: true, force: true })
})

const request = (over: object = {}) => ({
  id: '7-1',
  developer: 'anna',
  phase: 'waiting',
  startedAt: 1,
  admittedAt: null,
  firstTokenAt: null,
  promptTokens: 12,
  outputTokens: null,
  ...over,
})
const use = {
  developer: 'anna',
  requests: 1,
  failed: 0,
  promptTokens: 12,
  outputTokens: 3,
  meanFirstTokenMs: 80.5,
}
const line = (requests: object[], day = '2026-11-23') =>
  `${JSON.stringify({ requests, day, developers: [use] })}\n`

describe('the feed of the Router', () => {
  it('knows nothing until it is connected, then the last line', async () => {
    expect(feed.requests()).toBeNull()
    expect(feed.developers()).toBeNull()
    feed.connect()
    feed.connect()
    await until(() => connections.length > 0)
    const text = line([]) + line([request()])
    connections[0]?.write(text.slice(0, -20))
    await until(() => changes === 1)
    expect(feed.requests()).toEqual([])
    connections[0]?.write(text.slice(-20))
    await until(() => changes === 2)
    expect(feed.requests()).toEqual([{ ...request(), node: null }])
    expect(feed.developers()).toEqual([use])
    expect(connections).toHaveLength(1)
  })

  it('reports new phases at once, and tokens on request', async () => {
    feed.connect()
    await until(() => connections.length > 0)
    const generating = { phase: 'generating', admittedAt: 2, firstTokenAt: 3 }
    connections[0]?.write(line([request({ ...generating, outputTokens: 1 })]))
    await until(() => changes === 1)
    connections[0]?.write(line([request({ ...generating, outputTokens: 2 })]))
    connections[0]?.write(line([request({ ...generating, outputTokens: 3 }), request({ id: '7-2' })]))
    await until(() => feed.requests()?.length === 2)
    expect(changes).toBe(2)
    expect(feed.requests()?.[0]?.outputTokens).toBe(3)
  })

  it('keeps missing values as unknown', async () => {
    feed.connect()
    await until(() => connections.length > 0)
    const unsaid = { ...use, cachedTokens: null, readTokens: null }
    connections[0]?.write(`${JSON.stringify({ requests: [], day: '2026-11-23', developers: [unsaid] })}\n`)
    await until(() => changes === 1)
    expect(feed.developers()).toEqual([unsaid])
  })

  it("does not show yesterday's sums as today's", async () => {
    feed.connect()
    await until(() => connections.length > 0)
    connections[0]?.write(line([], '2026-11-22'))
    await until(() => changes === 1)
    expect(feed.developers()).toEqual([])
  })

  it('forgets a Router that is gone, and hears the next one', async () => {
    feed.connect()
    await until(() => connections.length > 0)
    connections[0]?.write(line([request()]))
    await until(() => feed.requests() !== null)
    connections[0]?.destroy()
    await until(() => feed.requests() === null)
    expect(feed.developers()).toBeNull()
    feed.connect()
    await until(() => connections.length === 2)
    connections[1]?.write(line([]))
    await until(() => feed.requests() !== null)
    expect(feed.requests()).toEqual([])
  })

  it('reports what the slots hold, and each event once, even across Routers', async () => {
    feed.connect()
    await until(() => connections.length > 0)
    const slots = [{ id: 0, developer: 'anna', conversation: '4f1e02', named: true }]
    const at = new Date(2026, 10, 23, 12, 5).getTime()
    const event = (number: number, over: object = {}) => ({ number, at, kind: 'parked', text: 'x', ...over })
    const tell = (connection: Socket | undefined, cacheEvents: object[]) =>
      connection?.write(
        `${JSON.stringify({ requests: [], day: '2026-11-23', developers: [], slots, cacheEvents })}\n`,
      )
    const before = new Date(2026, 10, 23, 11).getTime()
    tell(connections[0], [event(7, { at: before }), event(8), event(9)])
    await until(() => feed.heldSlots() !== null)
    tell(connections[0], [event(8), event(9), event(10, { kind: 'restored' })])
    await until(() => heard.length === 3)
    connections[0]?.destroy()
    await until(() => feed.heldSlots() === null)
    feed.connect()
    await until(() => connections.length === 2)
    tell(connections[1], [event(1, { at: at + 1, kind: 'refused' })])
    await until(() => heard.length === 4)
    expect(heard.map(({ number, kind }) => `${number} ${kind}`)).toEqual([
      '8 parked',
      '9 parked',
      '10 restored',
      '1 refused',
    ])
    expect(feed.heldSlots()).toEqual(slots)
  })

  it('asks a Router to park if it can, and waits only for that', async () => {
    await feed.park(60_000)
    feed.connect()
    await until(() => connections.length > 0)
    connections[0]?.write(line([]))
    await until(() => feed.requests() !== null)
    // One of an earlier release, which does not read what is written to it.
    await feed.park(60_000)
    const state = (parkings: number) =>
      `${JSON.stringify({ requests: [], day: '2026-11-23', developers: [], parkings })}\n`
    const asked = new Promise<string>((resolve) =>
      connections[0]?.once('data', (data) => resolve(String(data))),
    )
    connections[0]?.write(state(3))
    connections[0]?.write(`${line([request()]).replace('"requests"', '"parkings":3,"requests"')}`)
    await until(() => feed.requests()?.length === 1)
    const parked = feed.park(60_000)
    expect(await asked).toBe('park\n')
    connections[0]?.write(state(4))
    await parked
    const left = feed.park(60_000)
    connections[0]?.destroy()
    await left
  })

  it('ignores lines that it does not understand', async () => {
    feed.connect()
    await until(() => connections.length > 0)
    connections[0]?.write(line([request()]))
    await until(() => feed.requests() !== null)
    connections[0]?.write('{"requests":[{"id":1}]}\n')
    await until(() => feed.requests() === null)
  })

  it('works without a socket', async () => {
    const lost = createRouterFeed({ socketPath: join(folder, 'none.sock'), onChange: () => {} })
    lost.connect()
    expect(lost.requests()).toBeNull()
    lost.close()
  })
})

describe('events of parked conversations', () => {
  it('tells every refusal, and of the others the first in ten minutes', () => {
    const noted: StackEvent[] = []
    const hear = createCacheEvents((event) => void noted.push(event))
    const event = (kind: CacheEvent['kind'], minutes: number): CacheEvent => ({
      number: 1,
      at: minutes * 60_000,
      kind,
      text: `a conversation of anna was ${kind}`,
    })
    for (const [kind, minutes] of [
      ['parked', 0],
      ['parked', 1],
      ['refused', 1],
      ['refused', 2],
      ['restored', 2],
      ['parked', 9],
      ['parked', 10],
    ] as const)
      hear(event(kind, minutes))
    expect(noted.map(({ at, severity, text }) => `${at / 60_000} ${severity} ${text}`)).toEqual([
      '0 info A conversation of anna was parked',
      '1 warning A conversation of anna was refused',
      '2 warning A conversation of anna was refused',
      '2 info A conversation of anna was restored',
      '10 info A conversation of anna was parked',
    ])
  })
})
