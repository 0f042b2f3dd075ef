// A real scrape, and who gets none.
import { createServer, request } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { sampleSnapshot } from '../../contract/test-support/sample-snapshot.ts'
import { createMetricsServer } from './metrics-server.ts'
import { renderPrometheus } from './prometheus-text.ts'

const freePort = async (): Promise<number> => {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', () => resolve()))
  const address = probe.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  await new Promise((resolve) => probe.close(resolve))
  return port
}

const developers = [
  {
    developer: 'an"na',
    requests: 3,
    failed: 1,
    promptTokens: 40,
    outputTokens: 7,
    meanFirstTokenMs: 250,
    cachedTokens: 30,
    readTokens: null,
  },
]
const snapshot = { ...sampleSnapshot, slots: [], requests: [], developers, memory: null }

const errors: string[] = []
const server = createMetricsServer({
  readSnapshot: () => Promise.resolve(snapshot),
  onError: (reason) => errors.push(reason),
})
afterEach(() => server.close())

describe('the metrics', () => {
  it('are what the snapshot says, and not a line of what is not known', () => {
    const text = renderPrometheus(snapshot)
    expect(text).toContain('# TYPE opta_nexus_slots_busy gauge\nopta_nexus_slots_busy 0\n')
    expect(text).toContain('opta_nexus_requests{phase="waiting"} 0\n')
    expect(text).toContain('opta_nexus_developer_requests_today{developer="an\\"na"} 3\n')
    expect(text).toContain('opta_nexus_developer_cached_tokens_today{developer="an\\"na"} 30\n')
    expect(text).not.toContain('developer_read_tokens_today')
    expect(text).toContain('opta_nexus_developer_first_token_seconds_today{developer="an\\"na"} 0.25\n')
    expect(text).toContain(
      `opta_nexus_service_phase{service="proxy",phase="${snapshot.services.proxy.phase}"} 1\n`,
    )
    expect(text).not.toContain('gateway')
    const withGateway = renderPrometheus({
      ...snapshot,
      services: { ...snapshot.services, gateway: snapshot.services.proxy },
    })
    expect(withGateway).toContain('opta_nexus_service_phase{service="gateway",phase="ready"} 1\n')
    expect(text).not.toContain('memory')
    expect(text).not.toMatch(/null|undefined|NaN/)
    for (const line of text.trimEnd().split('\n'))
      expect(line).toMatch(/^(# (HELP|TYPE) opta_nexus_\w+ .+|opta_nexus_\w+(\{\w+="[^\n]*"\})? -?[\d.e+]+)$/)
  })

  it('name other Studios, and whether they answer', () => {
    const node = { endpoint: 'http://10.0.0.2:8080', reason: null, queue: null }
    const text = renderPrometheus({
      ...snapshot,
      nodes: [
        { ...node, name: 'b', phase: 'ready', slots: [] },
        { ...node, name: 'c', phase: 'unreachable', slots: null },
      ],
    })
    expect(text).toContain('opta_nexus_slots{node="b"} 0\n')
    expect(text).not.toContain('opta_nexus_slots{node="c"}')
    expect(text).toContain('opta_nexus_node_up{node="b"} 1\nopta_nexus_node_up{node="c"} 0\n')
  })

  it('are scraped on loopback, under its own name only', async () => {
    const port = await freePort()
    server.use(port)
    server.use(port)
    const answer = await fetch(`http://127.0.0.1:${port}/metrics`)
    expect(answer.headers.get('content-type')).toContain('version=0.0.4')
    expect(await answer.text()).toBe(renderPrometheus(snapshot))
    expect((await fetch(`http://localhost:${port}/`)).status).toBe(404)
    expect((await fetch(`http://127.0.0.1:${port}/metrics`, { method: 'POST' })).status).toBe(405)
    const foreign = await new Promise((resolve) => {
      request({ port, host: '127.0.0.1', path: '/metrics', headers: { host: 'evil.example' } }, (response) =>
        resolve(response.statusCode),
      ).end()
    })
    expect(foreign).toBe(403)
    server.use(null)
    await expect(fetch(`http://127.0.0.1:${port}/metrics`)).rejects.toThrow()
  })

  it('say so when their port is taken', async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', () => resolve()))
    const address = taken.address()
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0
    const told = new Promise<string>((resolve) => {
      createMetricsServer({ readSnapshot: () => Promise.resolve(snapshot), onError: resolve }).use(port)
    })
    expect(await told).toContain(`metricsPort: 127.0.0.1:${port} cannot be used: listen EADDRINUSE`)
    await new Promise((resolve) => taken.close(resolve))
  })
})

it('reads once for scrapes that come together', async () => {
  let reads = 0
  let answer = () => {}
  const shared = createMetricsServer({
    readSnapshot: () => {
      reads += 1
      return new Promise((resolve) => {
        answer = () => resolve(snapshot)
      })
    },
    onError: () => {},
  })
  const port = await freePort()
  shared.use(port)
  const scrape = async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).status
  await expect
    .poll(() =>
      fetch(`http://127.0.0.1:${port}/`).then(
        ({ status }) => status,
        () => 0,
      ),
    )
    .toBe(404)
  const scrapes = Array.from({ length: 8 }, scrape)
  await expect.poll(() => reads).toBe(1)
  // All eight have arrived once a ninth connection was answered.
  await fetch(`http://127.0.0.1:${port}/`)
  expect(reads).toBe(1)
  answer()
  expect(await Promise.all(scrapes)).toEqual(Array.from({ length: 8 }, () => 200))
  expect(reads).toBe(1)
  shared.close()
})
