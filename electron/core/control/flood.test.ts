// Clients that ask without an end, or never read: what they cost the core, and that others are served.
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Snapshot } from '../../contract/snapshot.ts'
import { sampleSnapshot } from '../../contract/test-support/sample-snapshot.ts'
import { attachToCore } from './client.ts'
import type { CoreLink } from './core-link.ts'
import { type ControlServer, openControlServer } from './server.ts'
import { createTurnstile, type Turnstile } from './turnstile.ts'

let dir: string
let socketPath: string
let server: ControlServer
let peers: Socket[]
let tell: (snapshot: Snapshot) => void
/** Questions that the core works on. */
let open: (() => void)[]
let asked: number

const core: CoreLink = {
  keep: () => () => {},
  readSnapshot: async () => sampleSnapshot,
  watch: (listener) => {
    tell = listener
    listener(sampleSnapshot)
    return { begun: Promise.resolve(), setWatched: () => {}, stop: () => {} }
  },
  dispatch: async () => ({ accepted: true }),
  ask: () => {
    asked += 1
    return new Promise((_resolve, reject) =>
      open.push(() => reject(new Error(`no plan ${'x'.repeat(20_000)}`))),
    )
  },
  watchHistory: () => () => {},
  followLog: () => () => {},
  readSnippet: () => Promise.reject(new Error('no')),
}

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'nexus-flood-'))
  socketPath = join(dir, 'control.sock')
  peers = []
  open = []
  asked = 0
  server = await openControlServer(socketPath, core, {
    limits: { maxRequestBytes: 65_536, turnstile: null },
  })
})

afterEach(async () => {
  for (const peer of peers) peer.destroy()
  await server.close()
  rmSync(dir, { recursive: true, force: true })
})

const dial = (): Promise<Socket> =>
  new Promise((resolve) => {
    const peer = connect(socketPath, () => resolve(peer))
    peer.on('error', () => {})
    peers.push(peer)
  })

/** The owner, whom nothing of this may keep waiting. */
const ownerIsAnswered = async () => {
  const client = await attachToCore(socketPath)
  expect(await client?.readSnapshot()).toEqual(sampleSnapshot)
  client?.close()
}

const plan = '{"id":1,"method":"ask","query":{"type":"plan"}}\n'

it('works on one question of a client at a time, and serves others meanwhile', async () => {
  const peer = await dial()
  peer.write(plan.repeat(3_000))
  await expect.poll(() => asked).toBe(1)
  await ownerIsAnswered()
  expect(asked).toBe(1)
  open.shift()?.()
  await expect.poll(() => asked).toBe(2)
  expect(open).toHaveLength(1)
})

it('asks nothing more for a client that does not read its answers', async () => {
  const peer = await dial()
  peer.pause()
  peer.write(plan.repeat(3_000))
  // Answers of 20 KB fill the kernel's buffers (some 200 KB) long before the 3,000th.
  for (let round = 0; round < 200; round++) {
    open.shift()?.()
    await ownerIsAnswered()
  }
  expect(asked).toBeLessThan(100)
})

it('lets requests of all clients of a door through one after the other', async () => {
  const passed: number[] = []
  const turnstile = createTurnstile(20)
  const beganAt = performance.now()
  await Promise.all(
    [0, 1, 2, 3].map(async (index) => {
      await new Promise<void>((resolve) => turnstile.wait(resolve))
      passed.push(index)
    }),
  )
  expect(passed).toEqual([0, 1, 2, 3])
  expect(performance.now() - beganAt).toBeGreaterThan(55)
})

it('keeps no place in the queue for clients that come, ask and go', async () => {
  const queue = new Set<() => void>()
  const turnstile: Turnstile = {
    wait: (go) => {
      queue.add(go)
      return () => queue.delete(go)
    },
  }
  await server.close()
  server = await openControlServer(socketPath, core, {
    limits: { maxRequestBytes: 65_536, turnstile },
  })
  for (let round = 0; round < 100; round++) {
    const peer = await dial()
    peer.write(plan.repeat(20))
    await expect.poll(() => queue.size, { interval: 1 }).toBe(1)
    peer.destroy()
    await expect.poll(() => queue.size, { interval: 1 }).toBe(0)
  }
  expect(asked).toBe(0)
})

it('lets in so many at once, and others a moment after places were left', async () => {
  await server.close()
  server = await openControlServer(socketPath, core, { mostClients: 2 })
  const isLetIn = async () => {
    const client = await attachToCore(socketPath)
    const answer = await client?.readSnapshot().catch(() => null)
    client?.close()
    return answer?.version ?? null
  }
  const two = [await dial(), await dial()]
  for (const peer of two) {
    peer.write('{"id":1,"method":"snapshot"}\n')
    await new Promise((resolve) => peer.once('data', resolve))
  }
  expect(await isLetIn()).toBeNull()
  for (const peer of two) peer.destroy()
  await expect.poll(isLetIn).toBe(sampleSnapshot.version)
})

it('drops what a client still wanted to ask when it goes away', async () => {
  const peer = await dial()
  peer.write(plan.repeat(3_000))
  await expect.poll(() => asked).toBe(1)
  peer.destroy()
  await ownerIsAnswered()
  open.shift()?.()
  for (let round = 0; round < 20; round++) await ownerIsAnswered()
  expect(asked).toBeLessThanOrEqual(2)
})

it('tells a slow watcher the newest snapshot, not all that it missed', async () => {
  const peer = await dial()
  peer.write('{"id":1,"method":"watch"}\n')
  await new Promise((resolve) => peer.once('data', resolve))
  peer.pause()
  const last = 2_000
  for (let at = 1; at <= last; at++) tell({ ...sampleSnapshot, takenAt: at, version: sampleSnapshot.version })
  let text = ''
  let lines = 0
  peer.on('data', (piece) => {
    text += piece.toString()
    lines = text.split('\n').length
  })
  peer.resume()
  await expect.poll(() => text.includes(`"takenAt":${last},`)).toBe(true)
  // What the kernel took before it was full; the other snapshots of 2,000 were never written.
  expect(lines).toBeLessThan(500)
})

it('hangs up on a request that is longer than a guest ever needs', async () => {
  const peer = await dial()
  const said = new Promise<string>((resolve) => peer.once('data', (piece) => resolve(piece.toString())))
  peer.write('x'.repeat(65_537))
  expect(JSON.parse(await said)).toEqual({
    kind: 'error',
    id: null,
    message: 'a line may be at most 65536 bytes long',
  })
  await ownerIsAnswered()
})

it('ends while clients are connected that neither read nor hang up', async () => {
  const peer = await dial()
  peer.pause()
  peer.write(plan.repeat(3_000))
  await expect.poll(() => asked).toBe(1)
  await server.close()
  expect(await attachToCore(socketPath)).toBeNull()
})
