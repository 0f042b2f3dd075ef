import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import type { NodeProfile } from '../../../contract/profile.ts'
import { StudioNodeSchema } from '../../../contract/snapshot.ts'
import { readNodeKey } from './node-key.ts'
import { createStudioNodes, explainNodeFailure } from './studio-nodes.ts'

let folder: string
let keyFile: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nexus-nodes-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  keyFile = join(folder, 'node.key')
  writeFileSync(keyFile, 'sk-right\n', { mode: 0o600 })
})

/** The fields of b10434-slots-idle-fresh.json that are read. */
const slot = { id: 0, n_ctx: 2048, is_processing: false }

/**
 * A stand-in for faults that a real llama-server does not show on demand; the real ones are in e2e/nodes.e2e.ts. The statuses
 * are recorded (b10434-401-no-key.json, b10068-health-503-loading.json), the bodies `{}` assumed: nothing reads them.
 */
const listen = async (answers: { health: number }): Promise<{ server: Server; port: number }> => {
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    const allowed = request.headers.authorization === 'Bearer sk-right'
    response.statusCode = path === '/health' ? answers.health : allowed ? 200 : 401
    response.end(path === '/slots' && allowed ? JSON.stringify([slot]) : '{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('it listens on a port')
  return { server, port: address.port }
}
const nodeAt = (port: number): NodeProfile => ({ name: 'b', host: '127.0.0.1', port, slots: 1, keyFile })

it('distinguishes a Studio that serves, loads, refuses our key, or is gone', async () => {
  const answers = { health: 503 }
  const { server, port } = await listen(answers)
  let changes = 0
  const nodes = createStudioNodes([nodeAt(port)], () => {
    changes += 1
  })
  const look = async () => {
    await nodes.read()
    const [node] = nodes.current(Date.now(), 5_000)
    return StudioNodeSchema.parse(node)
  }
  expect(nodes.current(Date.now(), 5_000)[0]).toMatchObject({ phase: 'unreachable', slots: null })
  expect(await look()).toMatchObject({ phase: 'degraded', reason: 'its model is loading' })
  answers.health = 200
  expect(await look()).toMatchObject({ phase: 'ready', reason: null, slots: [{ id: 0, phase: 'idle' }] })
  // What is old is not shown as live.
  expect(nodes.current(Date.now() + 60_000, 5_000)[0]).toMatchObject({ phase: 'ready', slots: null })
  server.close()
  server.closeAllConnections()
  expect((await look()).phase).toBe('ready')
  expect(await look()).toMatchObject({ phase: 'unreachable', slots: null, queue: null })
  expect(changes).toBe(3)
  const other = await listen({ health: 200 })
  writeFileSync(keyFile, 'sk-wrong\n')
  const refused = createStudioNodes([nodeAt(other.port)], () => {})
  await refused.read()
  expect(refused.current(Date.now(), 5_000)[0]).toMatchObject({
    phase: 'degraded',
    reason: expect.stringContaining('key'),
  })
})

it('reads a key only from a file that only its owner can read', () => {
  expect(readNodeKey(nodeAt(1))).toBe('sk-right')
  expect(readNodeKey({ ...nodeAt(1), keyFile: null })).toBe('none')
  chmodSync(keyFile, 0o644)
  expect(() => readNodeKey(nodeAt(1))).toThrow('nodes, b, keyFile: others may read')
  writeFileSync(keyFile, 'two words')
  expect(() => readNodeKey(nodeAt(1))).toThrow('not one key')
  expect(() => readNodeKey({ ...nodeAt(1), keyFile: join(folder, 'none') })).toThrow('there is no file')
})

describe('why it is unreachable', () => {
  const failure = (code: string) => Object.assign(new Error(`connect ${code} 10.0.0.2:8080`), { code })
  const mac = { platform: 'darwin', program: '/opt/node/bin/node' } as const

  describe('explainNodeFailure', () => {
    it("mentions macOS's local network privacy if it may be the cause", () => {
      const said = explainNodeFailure('http://10.0.0.2:8080', failure('EHOSTUNREACH'), mac)
      expect(said).toContain('http://10.0.0.2:8080 does not answer: connect EHOSTUNREACH')
      expect(said).toContain('Local Network, allow /opt/node/bin/node')
    })
    it('finds it among the addresses of one name, and words an error without a message', () => {
      const both = new AggregateError([failure('EHOSTUNREACH'), failure('ENETUNREACH')])
      expect(explainNodeFailure('http://b:1', both, mac)).toMatch(
        /EHOSTUNREACH, ENETUNREACH; .*Local Network/,
      )
    })
    it.each([
      ['another failure', failure('ECONNREFUSED'), mac],
      ['another system', failure('EHOSTUNREACH'), { ...mac, platform: 'linux' }],
      ['a time-out', new DOMException('The operation was aborted due to timeout', 'TimeoutError'), mac],
    ] as const)('does not name it for %s', (_, error, where) => {
      expect(explainNodeFailure('http://b:1', error, where)).not.toContain('Local Network')
    })
  })
})
