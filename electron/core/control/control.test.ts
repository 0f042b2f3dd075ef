// The control socket with real sockets: attach, watch, command, and every kind of garbage.
import { mkdtempSync, statSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Command } from '../../contract/command.ts'
import type { HistorySample } from '../../contract/history.ts'
import type { Answers, Query } from '../../contract/question.ts'
import type { LogId } from '../../contract/service-ids.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import { sampleSnapshot } from '../../contract/test-support/sample-snapshot.ts'
import { attachToCore } from './client.ts'
import type { CoreLink } from './core-link.ts'
import { maxLineBytes } from './protocol.ts'
import { type ControlServer, openControlServer } from './server.ts'

let socketPath: string
let server: ControlServer
let watchers: Set<{ tell: (snapshot: Snapshot) => void; watched: boolean }>
let historians: Set<(samples: readonly HistorySample[]) => void>
let followers: Map<LogId, (lines: readonly string[]) => void>
let commands: Command[]
let answers: { [T in keyof Answers]?: unknown }

const sampleAt = (at: number): HistorySample => ({
  at,
  generationTokensPerSecond: 12.5,
  promptTokensPerSecond: null,
  busySlots: 1,
  waiting: 0,
})

/** Why the core can't be watched; null: it can. */
let unwatchable: string | null

/** A core that tells what the test says. */
const testCore = (): CoreLink => ({
  keep: () => () => {},
  readSnapshot: async () => sampleSnapshot,
  watch: (tell, { watched } = { watched: true }) => {
    const watcher = { tell, watched }
    watchers.add(watcher)
    return {
      begun: Promise.resolve().then(() => {
        if (unwatchable !== null) throw new Error(unwatchable)
        tell(sampleSnapshot)
      }),
      setWatched: (next) => {
        watcher.watched = next
      },
      stop: () => void watchers.delete(watcher),
    }
  },
  dispatch: async (command) => {
    commands.push(command)
    return command.type === 'restart' ? { accepted: false, reason: 'not now' } : { accepted: true }
  },
  ask: async (query) => {
    const asked: Query = query
    const answer = answers[asked.type]
    if (answer === undefined) throw new Error(`${asked.type} is not known`)
    // What an older core says need not keep to this contract.
    return JSON.parse(JSON.stringify(answer))
  },
  watchHistory: (tell) => {
    historians.add(tell)
    tell([sampleAt(1), sampleAt(2)])
    return () => void historians.delete(tell)
  },
  followLog: (log, tell) => {
    followers.set(log, tell)
    return () => void followers.delete(log)
  },
  readSnippet: async ({ developer, snippet }) => `${developer} ${snippet} sk-secret`,
})

beforeEach(async () => {
  socketPath = join(mkdtempSync(join(tmpdir(), 'nexus-control-')), 'control.sock')
  watchers = new Set()
  historians = new Set()
  followers = new Map()
  commands = []
  answers = {}
  unwatchable = null
  server = await openControlServer(socketPath, testCore())
})

afterEach(() => server.close())

const attach = async () => {
  const client = await attachToCore(socketPath)
  if (client === null) throw new Error('no core listens')
  return client
}

/** The server hears of an end in its own turn: another client's request is answered after that. */
const serverTurn = async () => {
  const other = await attach()
  await other.readSnapshot()
  other.close()
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

  it('gets changes until it goes away', async () => {
    const client = await attach()
    const seen: number[] = []
    const second = new Promise<void>((resolve) => {
      client.watch((snapshot) => {
        seen.push(snapshot.takenAt)
        if (seen.length === 1) for (const { tell } of watchers) tell({ ...sampleSnapshot, takenAt: 7 })
        if (seen.length === 2) resolve()
      })
    })
    await second
    expect(seen).toEqual([sampleSnapshot.takenAt, 7])
    client.close()
    await client.closed
    await serverTurn()
    expect(watchers.size).toBe(0)
  })

  it('watches as closely as each of its listeners wants', async () => {
    const client = await attach()
    const cadences = () => [...watchers].map(({ watched }) => watched)
    const tray = client.watch(() => {}, { watched: false })
    await tray.begun
    expect(cadences()).toEqual([false])
    const seen: Snapshot[] = []
    const window = client.watch((snapshot) => seen.push(snapshot))
    await window.begun
    expect(cadences()).toEqual([false, true])
    expect(seen).toEqual([sampleSnapshot])
    window.stop()
    await client.readSnapshot()
    expect(cadences()).toEqual([false])
    tray.setWatched(true)
    await client.readSnapshot()
    expect(cadences()).toEqual([true])
    tray.stop()
    await client.readSnapshot()
    expect(cadences()).toEqual([])
    for (const { tell } of watchers) tell(sampleSnapshot)
    expect(seen).toHaveLength(1)
    client.close()
  })

  it('gets an answer that keeps to the contract, or hears in words why there is none', async () => {
    const client = await attach()
    answers = { logTail: ['one', 'two'], doctor: { profile: 'demo', because: 'asked for', checks: [] } }
    expect(await client.ask({ type: 'logTail', log: 'proxy', lines: 2 })).toEqual(['one', 'two'])
    expect((await client.ask({ type: 'doctor' })).profile).toBe('demo')
    await expect(client.ask({ type: 'plan' })).rejects.toThrow('plan is not known')
    answers = { plan: { profile: 'demo' } }
    await expect(client.ask({ type: 'plan' })).rejects.toThrow('another version')
    answers = { logTail: ['x'.repeat(maxLineBytes)] }
    await expect(client.ask({ type: 'logTail', log: 'core', lines: 1 })).rejects.toThrow('longer than')
    expect(await client.readSnapshot()).toEqual(sampleSnapshot)
    client.close()
  })

  it('gets the whole history before each new sample, and no more once it has enough', async () => {
    const client = await attach()
    const seen: number[][] = []
    const late: number[][] = []
    const stop = client.watchHistory((samples) => seen.push(samples.map(({ at }) => at)))
    await client.readSnapshot()
    for (const tell of historians) tell([sampleAt(3)])
    const stopLate = client.watchHistory((samples) => late.push(samples.map(({ at }) => at)))
    await client.readSnapshot()
    for (const tell of historians) tell([sampleAt(4)])
    await client.readSnapshot()
    expect(seen).toEqual([[1, 2], [3], [4]])
    expect(late).toEqual([[1, 2], [4]])
    expect(historians.size).toBe(2)
    stop()
    stopLate()
    await client.readSnapshot()
    expect(historians.size).toBe(0)
    // It leaves before the history comes: it gets nothing, and nothing keeps running.
    client.watchHistory((samples) => seen.push(samples.map(({ at }) => at)))()
    await client.readSnapshot()
    expect(seen).toHaveLength(3)
    expect(historians.size).toBe(0)
    client.close()
  })

  it('follows a log until it has enough, several at once', async () => {
    const client = await attach()
    const seen: string[] = []
    const stop = client.followLog('proxy', (lines) => seen.push(...lines.map((line) => `proxy ${line}`)))
    const stopOther = client.followLog('core', (lines) => seen.push(...lines.map((line) => `core ${line}`)))
    await client.readSnapshot()
    expect([...followers.keys()]).toEqual(['proxy', 'core'])
    followers.get('proxy')?.(['a', 'b'])
    followers.get('core')?.(['c'])
    await client.readSnapshot()
    expect(seen).toEqual(['proxy a', 'proxy b', 'core c'])
    stop()
    await client.readSnapshot()
    expect([...followers.keys()]).toEqual(['core'])
    stopOther()
    client.close()
  })

  it('gets a flood in messages of bounded size', async () => {
    const client = await attach()
    const seen: string[] = []
    client.followLog('llamaServer', (lines) => seen.push(...lines))
    await client.readSnapshot()
    const flood = Array.from({ length: 40 }, (_, index) => `${index} ${'x'.repeat(65_000)}`)
    followers.get('llamaServer')?.(flood)
    await client.readSnapshot()
    expect(seen).toEqual(flood)
    client.close()
  })

  it('gets a snippet with its key when it asks for that', async () => {
    const client = await attach()
    expect(await client.readSnippet({ developer: 'alice', snippet: 'bash' })).toBe('alice bash sk-secret')
    client.close()
  })

  it('leaves nothing behind in the core when it goes away', async () => {
    const client = await attach()
    client.watch(() => {})
    client.watchHistory(() => {})
    client.followLog('core', () => {})
    await client.readSnapshot()
    expect([watchers.size, historians.size, followers.size]).toEqual([1, 1, 1])
    client.close()
    await client.closed
    await serverTurn()
    expect([watchers.size, historians.size, followers.size]).toEqual([0, 0, 0])
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

  it('learns when the core goes away before it answers', async () => {
    const client = await attach()
    const closing = server.close()
    await client.closed
    await expect(client.readSnapshot()).rejects.toThrow('the core went away')
    await closing
  })
})

describe('no core', () => {
  it('is null without a socket, and beside a plain file or a left-over socket', async () => {
    expect(await attachToCore(join(tmpdir(), 'nexus-no-such.sock'))).toBeNull()
    await server.close()
    expect(await attachToCore(socketPath)).toBeNull()
    server = await openControlServer(socketPath, testCore())
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
    ['an unknown question', '{"id":5,"method":"ask","query":{"type":"keys"}}\n', 'Invalid'],
    ['an unknown log', '{"id":5,"method":"followLog","log":"../../etc/passwd"}\n', 'Invalid'],
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

  it('holds at most 16 subscriptions for a client, and one for each number', async () => {
    const same = '{"id":1,"method":"watchHistory"}\n'.repeat(20)
    const others = Array.from({ length: 17 }, (_, index) => `{"id":${index + 1},"method":"watchHistory"}\n`)
    const socket = connect(socketPath)
    let text = ''
    socket.on('data', (piece) => {
      text += piece.toString()
    })
    socket.write(same)
    await expect.poll(() => text.split('"done"').length - 1).toBe(20)
    expect(historians.size).toBe(1)
    socket.write(others.join(''))
    await expect.poll(() => text).toContain('"id":17,"message":"a connection may have at most 16')
    expect(historians.size).toBe(16)
    socket.write('{"id":99,"method":"end","of":3}\n')
    await expect.poll(() => historians.size).toBe(15)
    socket.destroy()
    await expect.poll(() => historians.size).toBe(0)
  })

  it('holds no subscription that failed to begin, so that trying again never meets the limit', async () => {
    unwatchable = 'the disk cannot be read'
    const tries = Array.from({ length: 17 }, (_, index) => `{"id":${index + 1},"method":"watch"}\n`)
    const answered = (await exchange(tries.join(''), 17)).map((line) => JSON.parse(line))
    expect(answered.map(({ kind, message }) => `${kind} ${message}`)).toEqual(
      Array(17).fill('error the disk cannot be read'),
    )
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
