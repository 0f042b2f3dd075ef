// The line to the core with real cores, locks and sockets: host, attach, take over, and find one again.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectSocket, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Command, Snapshot } from '../contract.ts'
import { type ConnectOptions, type CoreConnection, connectCore, type LinkState } from './connect-core.ts'
import type { CoreLink } from './control/core-link.ts'
import { type HostedCore, hostCore } from './host-core.ts'
import { hostInApp } from './host-in-app.ts'
import { createPlatform } from './platform/detect-platform.ts'
import { locateStateFolder, type StateFolder } from './state-folder.ts'

let home: string
let folder: StateFolder
let links: CoreConnection[]

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'nexus-link-'))
  folder = locateStateFolder({ NEXUS_HOME: home }, process.platform, home)
  links = []
})

afterEach(async () => {
  for (const link of links) await link.close()
  rmSync(home, { recursive: true, force: true })
})

const resourcesDir = join(import.meta.dirname, '..', '..', 'resources')

/** As the app's main process does it, or `nexus serve`. */
const host = (kind: 'app' | 'cli'): Promise<HostedCore | null> =>
  kind === 'app'
    ? hostInApp(folder, resourcesDir)
    : hostCore({
        folder,
        platform: createPlatform({ ramDiskRoot: folder.ramDiskRoot }),
        host: kind,
        background: false,
        resourcesDir,
        env: {},
      })

interface Watcher {
  readonly link: CoreConnection
  readonly states: LinkState[]
  /** Settles at the first state from now on, the present one included, that fits. */
  until(fits: (state: LinkState) => boolean): Promise<LinkState>
}

const connect = (hosting: boolean, patience?: ConnectOptions['patience']): Watcher => {
  const states: LinkState[] = []
  let told = () => {}
  const link = connectCore({
    folder,
    host: hosting ? () => host('app') : null,
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

it('hosts when nobody else does, and frees everything at its end', async () => {
  const { link, states, until } = connect(true)
  const { snapshot } = await until(isKind('hosting'))
  expect(states[0]).toEqual({ link: { kind: 'connecting' }, snapshot: null })
  expect(snapshot?.owner).toMatchObject({ pid: process.pid, host: 'app' })
  expect(await link.dispatch({ type: 'restart', only: 'ramDisk' })).toMatchObject({ accepted: true })
  await link.close()
  expect(() => link.core()).toThrow('no core answers')
  const next = await host('cli')
  if (next === null) throw new Error('the lock was not freed')
  const told = (fits: (snapshot: Snapshot) => boolean) =>
    new Promise<void>((resolve) => {
      next.core.watch((snapshot) => {
        if (fits(snapshot)) resolve()
      })
    })
  await told(({ services }) => services.ramDisk.phase === 'ready')
  const all: Command = { type: 'stop', only: null, eject: true, now: true, force: true }
  expect(await next.core.dispatch(all)).toEqual({ accepted: true })
  // It would still be mounted if this core had mounted over what the first one was just mounting.
  await told(({ ramDisk, services }) => services.ramDisk.phase === 'stopped' && ramDisk?.mounted === false)
  await next.close()
})

it('attaches to a core that runs, and takes over when that one goes', async () => {
  const other = await host('cli')
  const { until } = connect(true)
  expect((await until(isKind('attached'))).link).toEqual({
    kind: 'attached',
    pid: process.pid,
    host: 'cli',
    user: null,
  })
  await other?.close()
  const { snapshot } = await until(isKind('hosting'))
  expect(snapshot?.owner.host).toBe('app')
})

it('of two, one hosts, the other attaches, and follows it as host', async () => {
  const first = connect(true)
  const second = connect(true)
  const settled = ({ link }: LinkState) => link.kind === 'hosting' || link.kind === 'attached'
  const kinds = (await Promise.all([first.until(settled), second.until(settled)])).map(
    ({ link }) => link.kind,
  )
  expect(kinds.toSorted()).toEqual(['attached', 'hosting'])
  const [hosting, attached] = kinds[0] === 'hosting' ? [first, second] : [second, first]
  await hosting.link.close()
  await attached.until(isKind('hosting'))
})

it('that cannot host says that no core runs, and is there as soon as one does, again and again', async () => {
  const { link, until } = connect(false)
  expect(await until(isKind('lost'))).toEqual({
    link: { kind: 'lost', reason: expect.stringContaining('nexus up') },
    snapshot: null,
  })
  expect(await link.dispatch({ type: 'restart', only: null })).toEqual({
    accepted: false,
    reason: 'no core answers',
  })
  for (let turn = 0; turn < 3; turn += 1) {
    const core = await host('cli')
    expect((await until(isKind('attached'))).snapshot?.overall).toBe('stopped')
    await core?.close()
    await until(isKind('lost'))
  }
})

it('says why hosting failed, and tries again', async () => {
  let failing = true
  const states: LinkState[] = []
  const hosting = new Promise<void>((resolve) => {
    const link = connectCore({
      folder,
      host: () => (failing ? Promise.reject(new Error('no room')) : host('app')),
      onState: (state) => {
        states.push(state)
        if (state.link.kind === 'lost') failing = false
        if (state.link.kind === 'hosting') resolve()
      },
    })
    links.push(link)
  })
  await hosting
  expect(states.map(({ link }) => link)).toContainEqual({ kind: 'lost', reason: 'no room' })
})

it('says why it cannot even look, and looks as soon as it can', async () => {
  rmSync(home, { recursive: true })
  writeFileSync(home, 'a file where the folder belongs')
  const { states, until } = connect(false)
  await until(isKind('lost'))
  expect(states.at(-1)?.link).toEqual({ kind: 'lost', reason: expect.stringContaining(home) })
  rmSync(home)
  await until(({ link }) => link.kind === 'lost' && link.reason.includes('nexus up'))
})

it('tells its core whether somebody looks closely, also one that comes later', async () => {
  const told: boolean[] = []
  let hosting = () => {}
  const hosted = new Promise<void>((resolve) => {
    hosting = resolve
  })
  const link = connectCore({
    folder,
    host: async () => {
      const own = await host('app')
      if (own === null) return null
      const watch: CoreLink['watch'] = (listener, options) => {
        const real = own.core.watch(listener, options)
        told.push(options?.watched ?? true)
        return {
          ...real,
          setWatched: (watched) => {
            told.push(watched)
            real.setWatched(watched)
          },
        }
      }
      return { ...own, core: { ...own.core, watch } }
    },
    onState: (state) => {
      if (state.link.kind === 'hosting') hosting()
    },
  })
  links.push(link)
  link.setWatched(true)
  await hosted
  link.setWatched(false)
  await expect.poll(() => told.at(-1)).toBe(false)
  expect(told[0]).toBe(true)
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
      host: 'cli',
      background: false,
      resourcesDir,
      env: {},
    })
    if (real === null) throw new Error('no core')
    const between = await standBetween(
      locateStateFolder({ NEXUS_HOME: other }, process.platform, other).socketPath,
    )
    const { until } = connect(false, patience)
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
