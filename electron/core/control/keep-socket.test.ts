// A core whose socket file is deleted, replaced, or taken away with its folder.
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { sampleSnapshot } from '../../contract/test-support/sample-snapshot.ts'
import { attachToCore } from './client.ts'
import type { CoreLink } from './core-link.ts'
import { keepSocket } from './keep-socket.ts'
import { type ControlServer, openControlServer } from './server.ts'

let dir: string
let socketPath: string
let server: ControlServer
let end: () => void

const core: CoreLink = {
  keep: () => () => {},
  readSnapshot: async () => sampleSnapshot,
  watch: () => ({ begun: Promise.resolve(), setWatched: () => {}, stop: () => {} }),
  dispatch: async () => ({ accepted: true }),
  ask: () => Promise.reject(new Error('no')),
  watchHistory: () => () => {},
  followLog: () => () => {},
  readSnippet: () => Promise.reject(new Error('no')),
}

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'nexus-keep-'))
  socketPath = join(dir, 'run', 'control.sock')
  mkdirSync(dirname(socketPath))
  server = await openControlServer(socketPath, core)
  end = keepSocket({
    path: socketPath,
    restore: async () => {
      if (server.isThere()) return
      mkdirSync(dirname(socketPath), { recursive: true })
      await server.restore()
    },
    onError: () => {},
  })
})

afterEach(async () => {
  end()
  await server.close()
  rmSync(dir, { recursive: true, force: true })
})

const isServed = () =>
  expect.poll(
    async () => {
      const client = await attachToCore(socketPath)
      const answer = await client?.readSnapshot()
      client?.close()
      return answer?.version
    },
    { timeout: 10_000 },
  )

it('listens again when the file is deleted, private as before, and keeps its clients', async () => {
  const before = await attachToCore(socketPath)
  for (let round = 0; round < 3; round++) {
    rmSync(socketPath)
    await isServed().toBe(sampleSnapshot.version)
  }
  expect(statSync(socketPath).mode & 0o777).toBe(0o600)
  expect(await before?.readSnapshot()).toEqual(sampleSnapshot)
  before?.close()
})

it('takes the place back from a plain file', async () => {
  rmSync(socketPath)
  writeFileSync(socketPath, 'not a socket')
  await isServed().toBe(sampleSnapshot.version)
})

it('comes back when the whole folder was taken away', async () => {
  rmSync(dirname(socketPath), { recursive: true })
  await isServed().toBe(sampleSnapshot.version)
})

it('leaves no file behind when it is closed', async () => {
  rmSync(socketPath)
  await isServed().toBe(sampleSnapshot.version)
  end()
  await server.close()
  expect(existsSync(socketPath)).toBe(false)
})
