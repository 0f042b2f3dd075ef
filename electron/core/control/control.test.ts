// The control socket with real sockets: attach, watch, command, and every kind of garbage.
import { mkdtempSync, statSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Command, Snapshot } from '../../contract.ts'
import { sampleSnapshot } from '../sample-snapshot.ts'
import { attachToCore } from './client.ts'
import { maxLineBytes } from './protocol.ts'
import { type ControlServer, openControlServer } from './server.ts'

let socketPath: string
let server: ControlServer
let listeners: Set<(snapshot: Snapshot) => void>
/** How each present subscriber was subscribed. */
let paces: ('watched' | 'idle')[]
let commands: Command[]

beforeEach(async () => {
  socketPath = join(mkdtempSync(join(tmpdir(), 'nexus-control-')), 'control.sock')
  listeners = new Set()
  commands = []
  paces = []
  server = await openControlServer(socketPath, {
    readSnapshot: async () => sampleSnapshot,
    subscribe: (listener, options) => {
      const pace = options?.watched === false ? 'idle' : 'watched'
      listeners.add(listener)
      paces.push(pace)
      return () => {
        listeners.delete(listener)
        paces.splice(paces.indexOf(pace), 1)
      }
    },
    dispatch: async (command) => {
      commands.push(command)
      return command.type === 'restart' ? { accepted: false, reason: 'not now' } : { accepted: true }
    },
  })
})

afterEach(() => server.close())

const attach = async () => {
  const client = await attachToCore(socketPath)
  if (client === null) throw new Error('nobody listens')
  return client
}

/** Sends raw bytes and collects what comes back until `lines` lines or the end of the connection. */
const exchange = (bytes: string | Buffer, lines: number): Promise<string[]> =>
  new Promise((resolve, reject) => {
    let text = ''
    const socket: Socket = connect(socketPath, () => socket.write(bytes))
    const done = () => {
      socket.destroy()
      resolve(text.split('\n').filter((line) => line !== ''))
    }
    socket.on('data', (piece) => {
      text += piece.toString()
      if (text.split('\n').length > lines) done()
    })
    socket.once('close', done)
    socket.once('error', reject)
  })

describe('attached client', () => {
  it('gets the snapshot', async () => {
    const client = await attach()
    expect(await client.readSnapshot()).toEqual(sampleSnapshot)
    client.close()
  })

  it('is told of changes until it goes away', async () => {
    const client = await attach()
    const seen: number[] = []
    const second = new Promise<void>((resolve) => {
      void client.watch((snapshot) => {
        seen.push(snapshot.takenAt)
        if (seen.length === 1) for (const tell of listeners) tell({ ...sampleSnapshot, takenAt: 7 })
        if (seen.length === 2) resolve()
      })
    })
    await second
    expect(seen).toEqual([sampleSnapshot.takenAt, 7])
    client.close()
    await client.closed
    // The server hears of the end in its own turn: the next request is answered after that.
    await (await attach()).readSnapshot()
    expect(listeners.size).toBe(0)
  })

  it('hears why a command was not accepted', async () => {
    const client = await attach()
    expect(await client.dispatch({ type: 'restart', only: null })).toEqual({
      accepted: false,
      reason: 'not now',
    })
    expect(commands).toEqual([{ type: 'restart', only: null }])
    client.close()
  })

  it('is told when the core goes away before it answers', async () => {
    const client = await attach()
    const closing = server.close()
    await client.closed
    await expect(client.readSnapshot()).rejects.toThrow('the core went away')
    await closing
  })
})

describe('a client that nobody looks at', () => {
  it('is still told, at its own pace, and may change it', async () => {
    const client = await attach()
    const seen: number[] = []
    await client.watch(() => {}, { watched: false })
    expect(paces).toEqual(['idle'])
    await client.watch(({ takenAt }) => seen.push(takenAt))
    expect(paces).toEqual(['watched'])
    await client.watch(({ takenAt }) => seen.push(-takenAt), { watched: false })
    expect(paces).toEqual(['idle'])
    expect(listeners.size).toBe(1)
    expect(seen).toEqual([sampleSnapshot.takenAt, -sampleSnapshot.takenAt])
  })
})

describe('nobody there', () => {
  it('is null without a socket, and beside a plain file or a left-over socket', async () => {
    expect(await attachToCore(join(tmpdir(), 'nexus-no-such.sock'))).toBeNull()
    await server.close()
    expect(await attachToCore(socketPath)).toBeNull()
    server = await openControlServer(socketPath, {
      readSnapshot: async () => sampleSnapshot,
      subscribe: () => () => {},
      dispatch: async () => ({ accepted: true }),
    })
    expect(await attachToCore(socketPath)).not.toBeNull()
  })

  it('says so when the path is something else', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'nexus-control-')), 'file')
    writeFileSync(path, '')
    expect(await attachToCore(path)).toBeNull()
  })
})

describe('the socket', () => {
  it('is for its owner alone', () => {
    expect(statSync(socketPath).mode & 0o777).toBe(0o600)
  })

  it.each([
    ['no JSON', 'hello\n', 'not JSON'],
    ['no request', '{"id":3}\n', 'Invalid'],
    ['an unknown method', '{"id":4,"method":"rm"}\n', 'Invalid'],
    [
      'an unknown service',
      '{"id":5,"method":"dispatch","command":{"type":"restart","only":"all"}}\n',
      'Invalid',
    ],
    ['extra keys', '{"id":6,"method":"snapshot","path":"/etc/passwd"}\n', 'Unrecognized'],
    ['binary', Buffer.from([0xff, 0x00, 0xfe, 0x0a]), 'not JSON'],
  ])('answers %s in words and goes on', async (_what, bytes, expected) => {
    const [error, snapshot] = await exchange(
      Buffer.concat([Buffer.from(bytes), Buffer.from('{"id":9,"method":"snapshot"}\n')]),
      2,
    )
    expect(JSON.parse(error ?? '')).toMatchObject({
      kind: 'error',
      message: expect.stringContaining(expected),
    })
    expect(JSON.parse(snapshot ?? '')).toMatchObject({ kind: 'snapshot', id: 9 })
    expect(commands).toEqual([])
  })

  it('refuses a line without end before it fills memory, and serves others on', async () => {
    const answers = await exchange(Buffer.alloc(maxLineBytes + 2, 'x'), 1)
    expect(JSON.parse(answers[0] ?? '')).toMatchObject({
      kind: 'error',
      message: expect.stringContaining('bytes'),
    })
    expect(await (await attach()).readSnapshot()).toEqual(sampleSnapshot)
  })
})
