// The line to the core with real cores, locks and sockets: start one, attach, and find one again.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectSocket, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Command } from '../../contract/command.ts'
import { locateStateFolder, type StateFolder } from '../config/state-folder.ts'
import {
  type ConnectOptions,
  type CoreConnection,
  connectCore,
  type LinkState,
} from '../control/connect-core.ts'
import { createPlatform } from '../platform/detect-platform.ts'
import { type HostedCore, hostCore } from './host-core.ts'

let home: string
let folder: StateFolder
let links: CoreConnection[]
let cores: HostedCore[]

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'nexus-link-'))
  folder = locateStateFolder({ NEXUS_HOME: home }, process.platform, home)
  links = []
  cores = []
})

afterEach(async () => {
  for (const link of links) await link.close()
  for (const core of cores) await core.close()
  rmSync(home, { recursive: true, force: true })
})

const resourcesDir = join(import.meta.dirname, '..', '..', '..', 'resources')

const host = async (): Promise<HostedCore> => {
  const hosted = await hostCore({
    folder,
    platform: createPlatform({ ramDiskRoot: folder.ramDiskRoot }),
    background: true,
    resourcesDir,
    env: {},
  })
  if (hosted === null) throw new Error('another core has the lock')
  return hosted
}

/** As `nexus serve --detach` does it, but for the process. */
const startOwn = async (): Promise<'own'> => {
  cores.push(await host())
  return 'own'
}

const startNone = (): Promise<'own'> => Promise.reject(new Error('no Node was found'))

interface Watcher {
  readonly link: CoreConnection
  readonly states: LinkState[]
  /** Settles at the first state from now on, the present one included, that fits. */
  until(fits: (state: LinkState) => boolean): Promise<LinkState>
}

const connect = (start: ConnectOptions['start'], patience?: ConnectOptions['patience']): Watcher => {
  const states: LinkState[] = []
  let told = () => {}
  const link = connectCore({
    folder,
    start,
    ...(patience === undefined ? {} : { patience }),
    onState: (state) => {
      states.push(state)
      told()
    },
  })
  links.push(link)
  return {
    link,
    states,
    until: async (fits) => {
      for (;;) {
        const last = states.at(-1)
        if (last !== undefined && fits(last)) return last
        await new Promise<void>((resolve) => {
          told = resolve
        })
      }
    },
  }
}

const isKind =
  (kind: LinkState['link']['kind']) =>
  ({ link }: LinkState) =>
    link.kind === kind

it('has a core started where none runs, and leaves it running', async () => {
  const { link, states, until } = connect(startOwn)
  const { snapshot } = await until(isKind('attached'))
  expect(states[0]).toEqual({ link: { kind: 'connecting' }, snapshot: null })
  expect(snapshot?.owner).toMatchObject({ pid: process.pid })
  // The first state arrives a moment before commands can be sent.
  await new Promise<void>((resolve) => {
    link.withEachCore(() => {
      resolve()
      return () => {}
    })
  })
  expect(await link.dispatch({ type: 'restart', only: 'ramDisk' })).toMatchObject({ accepted: true })
  await link.close()
  expect(() => link.core()).toThrow('no core answers')
  const [core] = cores
  await expect.poll(() => core?.core.snapshot().services.ramDisk.phase).toBe('ready')
  const all: Command = { type: 'stop', only: null, eject: true, now: true, force: true }
  expect(await core?.core.dispatch(all)).toEqual({ accepted: true })
  await core?.core.stoppedByCommand
})

it('attaches to a core that runs, and has one started when that one goes', async () => {
  const other = await host()
  const { until, states } = connect(startOwn)
  expect((await until(isKind('attached'))).link).toEqual({ kind: 'attached', pid: process.pid, user: null })
  expect(cores).toEqual([])
  const seen = states.length
  await other.close()
  await until((state) => states.length > seen && isKind('attached')(state))
  expect(cores).toHaveLength(1)
})

it('keeps its core through a stop of everything, and lets it end when the last app goes', async () => {
  const [first, second] = [connect(startOwn), connect(startOwn)]
  await first.until(({ snapshot }) => snapshot !== null)
  await second.until(({ snapshot }) => snapshot !== null)
  const [core] = cores
  let hasEnded = false
  void core?.core.stoppedByCommand.then(() => {
    hasEnded = true
  })
  const all: Command = { type: 'stop', only: null, eject: true, now: true, force: false }
  expect(await core?.core.dispatch(all)).toEqual({ accepted: true })
  expect((await first.link.core().readSnapshot()).overall).toBe('stopped')
  await first.link.close()
  expect((await second.link.core().readSnapshot()).owner.background).toBe(false)
  expect(hasEnded).toBe(false)
  await second.link.close()
  await core?.core.stoppedByCommand
})

it('of two that have one started, one wins, and both attach to it', async () => {
  const settled = isKind('attached')
  const [first, second] = [connect(startOwn), connect(startOwn)]
  await Promise.all([first.until(settled), second.until(settled)])
  expect(cores).toHaveLength(1)
})

it('says why none could be started, and is there as soon as one runs, again and again', async () => {
  const { link, until } = connect(startNone)
  expect(await until(isKind('lost'))).toEqual({
    link: { kind: 'lost', reason: 'no Node was found' },
    snapshot: null,
  })
  expect(await link.dispatch({ type: 'restart', only: null })).toEqual({
    accepted: false,
    reason: 'no core answers',
  })
  for (let turn = 0; turn < 3; turn += 1) {
    const core = await host()
    expect((await until(isKind('attached'))).snapshot?.overall).toBe('stopped')
    await core.close()
    await until(isKind('lost'))
  }
})

it('tries again when starting one failed', async () => {
  let failing = true
  const { states, until } = connect(async () => {
    if (failing) {
      failing = false
      throw new Error('no room')
    }
    return startOwn()
  })
  await until(isKind('attached'))
  expect(states.map(({ link }) => link)).toContainEqual({ kind: 'lost', reason: 'no room' })
})

it('says why it cannot even look, and looks as soon as it can', async () => {
  rmSync(home, { recursive: true })
  writeFileSync(home, 'a file where the folder belongs')
  const { states, until } = connect(startNone)
  await until(isKind('lost'))
  expect(states.at(-1)?.link).toEqual({ kind: 'lost', reason: expect.stringContaining(home) })
  rmSync(home)
  await until(({ link }) => link.kind === 'lost' && link.reason === 'no Node was found')
})

it('tells its core whether someone watches closely, even one that comes later', async () => {
  const told: unknown[] = []
  const lines = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.on('data', (piece) => {
      for (const line of String(piece).trim().split('\n')) {
        const request = JSON.parse(line)
        if ('watched' in request) told.push(request.watched)
        socket.write(`${JSON.stringify({ kind: 'done', id: request.id })}\n`)
      }
    })
  })
  const { link } = connect(startNone)
  link.setWatched(true)
  await new Promise<void>((resolve) => lines.listen(folder.socketPath, resolve))
  await expect.poll(() => told).toEqual([true])
  link.setWatched(false)
  await expect.poll(() => told).toEqual([true, false])
  await link.close()
  await new Promise((resolve) => lines.close(resolve))
})

describe('a core in another process that is stopped', () => {
  const patience = { watchedMs: 200, calmMs: 400, answerMs: 200 }

  /** Stands at the socket, passes on to the real core's, and can hold everything back as a stopped process does. */
  const standBetween = async (behind: string) => {
    const sockets = new Set<Socket>()
    let isFrozen = false
    const server = createServer((near) => {
      const far = connectSocket(behind)
      near.on('data', (piece) => {
        if (!isFrozen) far.write(piece)
      })
      far.on('data', (piece) => {
        if (!isFrozen) near.write(piece)
      })
      for (const socket of [near, far]) {
        sockets.add(socket)
        socket.on('error', () => socket.destroy())
        socket.on('close', () => {
          near.destroy()
          far.destroy()
        })
      }
    })
    mkdirSync(dirname(folder.socketPath), { recursive: true })
    await new Promise<void>((resolve) => server.listen(folder.socketPath, resolve))
    return {
      freeze: (frozen: boolean) => {
        isFrozen = frozen
      },
      end: async () => {
        for (const socket of sockets) socket.destroy()
        await new Promise((resolve) => server.close(resolve))
      },
    }
  }

  it('is not shown as if it were live, and is there again when it goes on', async () => {
    const other = mkdtempSync(join(tmpdir(), 'nexus-link-other-'))
    const real = await hostCore({
      folder: locateStateFolder({ NEXUS_HOME: other }, process.platform, other),
      platform: createPlatform({ ramDiskRoot: join(other, 'disks') }),
      background: false,
      resourcesDir,
      env: {},
    })
    if (real === null) throw new Error('no core')
    const between = await standBetween(
      locateStateFolder({ NEXUS_HOME: other }, process.platform, other).socketPath,
    )
    const { until } = connect(startNone, patience)
    await until(isKind('attached'))
    between.freeze(true)
    expect(await until(isKind('lost'))).toEqual({
      link: { kind: 'lost', reason: `the core (pid ${process.pid}) does not answer` },
      snapshot: null,
    })
    // Looked for again meanwhile, and still silent.
    expect((await until(({ link }) => link.kind === 'lost' && !link.reason.includes('pid'))).link).toEqual({
      kind: 'lost',
      reason: 'the core does not answer',
    })
    between.freeze(false)
    expect((await until(isKind('attached'))).snapshot?.overall).toBe('stopped')
    await between.end()
    await real.close()
    rmSync(other, { recursive: true, force: true })
  })
})
