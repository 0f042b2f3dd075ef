// The core over real child processes: stand-ins for both servers, a temporary state folder, a RAM disk of the test's.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Command } from '../../contract/command.ts'
import type { ProfileOverride } from '../../contract/profile.ts'
import type { CommandedId } from '../../contract/service-ids.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import { clientKeysPath } from '../access/developer-keys-file.ts'
import { rememberFile } from '../agents-file/agents-file.ts'
import { writeBlock } from '../base/managed-file.ts'
import { markdownMarks } from '../base/marked-block.ts'
import { ensureStateFolder, locateStateFolder, type StateFolder } from '../config/state-folder.ts'
import { createPlatform } from '../platform/detect-platform.ts'
import type { EjectOutcome, Platform } from '../platform/platform.ts'
import { startSleeper, startTestChild } from '../platform/test-support/child.ts'
import { readIntent } from '../stack/intent.ts'
import { readLiveServices } from '../stack/live-services.ts'
import { openLedger } from '../supervise/ledger.ts'
import {
  behaveAt,
  readAsked,
  standInProgram,
  startStandIn,
  tellAt,
} from '../supervise/test-support/stand-in.ts'
import { type Core, createCore } from './core.ts'

const resourcesDir = join(import.meta.dirname, '../../../resources')
const seedModel = join(import.meta.dirname, '../gguf/fixtures/DeepSeek-R1-Distill-Llama-70B-Q8_0.header.gguf')
const helpText = join(resourcesDir, 'llama-help/b10434.txt')

let home: string
let folder: StateFolder
let enginePort: number
/** `firstLook`: what the first one who asks for the memory has to wait for. */
let machine: { totalMemoryBytes: number | null; firstLook: Promise<void> | null }
let proxyPort: number
let profilePath: string
let cores: Core[]
let disk: { mounted: boolean; mountFailure: string | null; ejects: EjectOutcome[]; forced: boolean[] }
let ending: (() => Promise<void>)[]

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer()
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      const found = typeof address === 'object' && address !== null ? address.port : 0
      server.close(() => resolve(found))
    })
  })

const writeScript = (path: string, lines: readonly string[]): void => {
  writeFileSync(path, `#!/bin/sh\n${lines.join('\n')}\n`)
  chmodSync(path, 0o755)
}

/** A llama-server that prints the recorded help and then is the stand-in, or whatever `run` says. */
const standIn = (loadMs: number): string =>
  `exec '${process.execPath}' '${standInProgram}' --load-ms ${loadMs} "$@"`
const installEngine = (run = standIn(150)): void =>
  writeScript(join(home, 'llama-server'), [
    'case "$1" in',
    `--help) cat '${helpText}' ;;`,
    "--version) echo 'version: 1 (abc)' >&2 ;;",
    `*) ${run} ;;`,
    'esac',
  ])

/** What set-up would have installed, as far as the core looks. */
const installLiteLlm = (): void => {
  const dir = join(folder.runtimeDir, 'litellm')
  mkdirSync(join(dir, 'lib/python3.12/site-packages/litellm-1.106.2.dist-info'), { recursive: true })
  mkdirSync(join(dir, 'bin'))
  writeScript(join(dir, 'bin/python'), [`exec '${process.execPath}' '${standInProgram}' --litellm "$@"`])
}

const writeProfile = (change: ProfileOverride = {}, name = 'profile.json'): string => {
  const path = join(home, name)
  const profile: ProfileOverride = {
    extends: 'demo',
    llamaServer: {
      binaryPath: join(home, 'llama-server'),
      modelPath: join(home, 'model.gguf'),
      port: enginePort,
      ...change.llamaServer,
    },
    proxy: { port: proxyPort, ...change.proxy },
    ramDisk: { sizeMiB: 16, ...change.ramDisk },
    ...(change.gateway === undefined ? {} : { gateway: change.gateway }),
  }
  writeFileSync(path, JSON.stringify(profile))
  return path
}

/** This machine, but for the RAM disk, and where a test says so of another size. */
const platform = (): Platform => ({
  ...createPlatform({ ramDiskRoot: folder.ramDiskRoot }),
  readTotalMemoryBytes: async () => {
    const { firstLook } = machine
    machine.firstLook = null
    await firstLook
    return (
      machine.totalMemoryBytes ?? createPlatform({ ramDiskRoot: folder.ramDiskRoot }).readTotalMemoryBytes()
    )
  },
  ramDisk: {
    defaultMountPoint: (volumeName) => join(home, volumeName),
    readBacking: async () => null,
    ignoresOwners: async () => false,
    read: async ({ mountPoint }) => ({
      mountPoint,
      mounted: disk.mounted,
      kind: disk.mounted ? 'tmpfs' : null,
      totalBytes: null,
      usedBytes: null,
    }),
    mount: async () => {
      if (disk.mountFailure !== null) return { kind: 'failed', reason: disk.mountFailure }
      disk.mounted = true
      return { kind: 'mounted', already: false, note: null }
    },
    eject: async (_, { force }) => {
      disk.forced.push(force)
      const outcome = disk.ejects.shift() ?? { kind: 'done' }
      if (outcome.kind === 'done') disk.mounted = false
      return outcome
    },
  },
})

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'nexus-core-'))
  folder = locateStateFolder({ NEXUS_HOME: join(home, 'state') }, process.platform, home)
  ensureStateFolder(folder)
  enginePort = await freePort()
  proxyPort = await freePort()
  cores = []
  ending = []
  disk = { mounted: false, mountFailure: null, ejects: [], forced: [] }
  machine = { totalMemoryBytes: null, firstLook: null }
  installEngine()
  installLiteLlm()
  writeFileSync(join(home, 'model.gguf'), 'not read by the stand-in')
  profilePath = writeProfile()
})

afterEach(async () => {
  const last = cores.at(-1)
  for (const core of cores.slice(0, -1)) core.close()
  if (last !== undefined) {
    await last.dispatch({ type: 'stop', only: null, eject: false, now: true, force: false })
    await until(
      last,
      ({ services }) => services.llamaServer.phase === 'stopped' && services.proxy.phase === 'stopped',
    )
    last.close()
  }
  for (const end of ending) await end()
  rmSync(home, { recursive: true, force: true })
})

const newCore = async ({ background = true } = {}): Promise<Core> => {
  const core = await createCore({
    folder,
    platform: platform(),
    background,
    resourcesDir,
    env: process.env,
  })
  cores.push(core)
  return core
}

/** The first snapshot that fits; when there is none before the test's time is over, the last one says why. */
const until = (core: Core, fits: (snapshot: Snapshot) => boolean): Promise<Snapshot> =>
  new Promise((resolve, reject) => {
    const look = (snapshot: Snapshot) => {
      if (!fits(snapshot)) return
      clearTimeout(timer)
      watch.stop()
      resolve(snapshot)
    }
    const watch = core.watch(look)
    const timer = setTimeout(() => {
      watch.stop()
      const { services, overall, proofFailure } = core.snapshot()
      reject(new Error(`never came: ${JSON.stringify({ overall, proofFailure, services })}`))
    }, 15_000)
    look(core.snapshot())
  })

const startCommand = (
  profile: string | null = profilePath,
  only: CommandedId | null = null,
): Extract<Command, { type: 'start' }> => ({
  type: 'start',
  only,
  profile,
  force: false,
})
const stopCommand = (change: Partial<Extract<Command, { type: 'stop' }>> = {}): Command => ({
  type: 'stop',
  only: null,
  eject: false,
  now: true,
  force: false,
  ...change,
})

const ready = ({ overall }: Snapshot) => overall === 'ready'

const upCore = async (): Promise<{ core: Core; snapshot: Snapshot }> => {
  const core = await newCore()
  expect(await core.dispatch(startCommand())).toEqual({ accepted: true })
  return { core, snapshot: await until(core, ready) }
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

const phasesOf = ({ services }: Snapshot) => [
  services.ramDisk.phase,
  services.llamaServer.phase,
  services.proxy.phase,
]
const engineUrl = () => `http://127.0.0.1:${enginePort}`
const proxyUrl = () => `http://127.0.0.1:${proxyPort}`

const pidOf = (snapshot: Snapshot, id: CommandedId): number => {
  const { pid } = snapshot.services[id]
  if (pid === null) throw new Error(`${id} has no process`)
  return pid
}

/** The first line that either stand-in prints. */
const startLine = /^INFO: +Started server process|common_params_print_info: verbosity/gm

describe('start', () => {
  it('brings all three up and is ready only after the message came back', async () => {
    // Long enough to be seen loading on a machine that is busy with other tests.
    installEngine(standIn(1_000))
    const core = await newCore()
    const seen: Snapshot[] = []
    const watch = core.watch((snapshot) => seen.push(snapshot))
    expect(phasesOf(core.snapshot())).toEqual(['stopped', 'stopped', 'stopped'])
    await core.dispatch(startCommand())
    const snapshot = await until(core, ready)
    watch.stop()
    expect(phasesOf(snapshot)).toEqual(['ready', 'ready', 'ready'])
    expect(snapshot.profile).toBe(profilePath)
    expect(snapshot.proof).toMatchObject({ outputTokens: 8, model: 'claude-3-5-sonnet-20241022' })
    expect(snapshot.services.llamaServer.endpoint).toBe(engineUrl())
    expect(seen.some(({ services }) => services.llamaServer.waitingFor === 'loading the model')).toBe(true)
    for (const early of seen.slice(
      0,
      seen.findIndex(({ proof }) => proof !== null),
    )) {
      expect(early.overall).not.toBe('ready')
    }
    const live = await until(
      core,
      ({ slots, memory, queue }) => slots !== null && memory !== null && queue !== null,
    )
    expect(live).toMatchObject({ slots: [{ phase: 'idle' }, { phase: 'idle' }], ramDisk: { mounted: true } })
    expect((await readAsked(proxyUrl(), '/v1/messages')).times).toBeLessThanOrEqual(2)
  })

  it('serves although what it started cannot be written down, and is stopped again', async () => {
    const core = await newCore()
    await core.dispatch(startCommand())
    // Before the first of them is spawned.
    mkdirSync(join(folder.ledgerPath, 'in-the-way'), { recursive: true })
    await until(core, ready)
    await core.dispatch(stopCommand())
    await core.stoppedByCommand
    expect(phasesOf(core.snapshot())).toEqual(['ready', 'stopped', 'stopped'])
  })

  it('is a no-op on a running stack', async () => {
    const { core, snapshot } = await upCore()
    expect(await core.dispatch(startCommand(null))).toEqual({ accepted: true })
    expect(await core.dispatch(startCommand())).toEqual({ accepted: true })
    const after = await core.readSnapshot()
    expect(after.overall).toBe('ready')
    expect(pidOf(after, 'llamaServer')).toBe(pidOf(snapshot, 'llamaServer'))
    expect(pidOf(after, 'proxy')).toBe(pidOf(snapshot, 'proxy'))
  })

  it('asked for twice at once is one start', async () => {
    const core = await newCore()
    const outcomes = await Promise.all([core.dispatch(startCommand()), core.dispatch(startCommand())])
    expect(outcomes).toEqual([{ accepted: true }, { accepted: true }])
    await until(core, ready)
    // Each start that reaches a stand-in leaves a line of its own in the log.
    for (const id of ['llamaServer', 'proxy'] as const) {
      expect(readFileSync(folder.logPath(id), 'utf8').match(startLine)).toHaveLength(1)
    }
  })

  it('refuses another profile while this one runs, and leaves it running', async () => {
    const { core } = await upCore()
    const other = writeProfile({ proxy: { modelName: 'other' } }, 'other.json')
    expect(await core.dispatch(startCommand(other))).toEqual({
      accepted: false,
      reason: `the stack runs with profile ${profilePath}: run nexus down, then nexus up --profile ${other}`,
    })
    expect((await core.readSnapshot()).overall).toBe('ready')
  })

  it('refuses another profile also while only one of the servers still runs', async () => {
    const { core, snapshot } = await upCore()
    await core.dispatch(stopCommand({ only: 'proxy' }))
    await until(core, ({ services }) => services.proxy.phase === 'stopped')
    rmSync(join(folder.runtimeDir, 'litellm'), { recursive: true })
    await core.dispatch(startCommand(null, 'proxy'))
    await until(core, ({ services }) => services.proxy.phase === 'failed')
    const other = writeProfile({ llamaServer: { port: await freePort() } }, 'other.json')
    expect(await core.dispatch(startCommand(other))).toMatchObject({ accepted: false })
    // Without a name, what runs is meant.
    installLiteLlm()
    expect(await core.dispatch(startCommand(null))).toEqual({ accepted: true })
    const after = await until(core, ready)
    expect(after.profile).toBe(profilePath)
    expect(pidOf(after, 'llamaServer')).toBe(pidOf(snapshot, 'llamaServer'))
  })

  it.each([
    [
      'two services on one port',
      (): ProfileOverride => ({ proxy: { port: enginePort } }),
      'proxy.port: found',
    ],
    [
      'a RAM disk larger than memory',
      (): ProfileOverride => ({ ramDisk: { sizeMiB: 4_194_304 } }),
      'ramDisk.sizeMiB: found 4194304',
    ],
    ['no slots', (): ProfileOverride => ({ llamaServer: { slots: 0 } }), 'llamaServer.slots: found 0'],
    [
      'a relative path',
      (): ProfileOverride => ({ llamaServer: { modelPath: 'm.gguf' } }),
      'llamaServer.modelPath: found "m.gguf"',
    ],
  ])('refuses %s with the key’s path before anything starts', async (_, change, expected) => {
    const core = await newCore()
    const outcome = await core.dispatch(startCommand(writeProfile(change())))
    expect(outcome).toMatchObject({ accepted: false, reason: expect.stringContaining(expected) })
    expect(phasesOf(core.snapshot())).toEqual(['stopped', 'stopped', 'stopped'])
    expect(readIntent(folder.intentPath)).toBeNull()
    expect(disk.mounted).toBe(false)
  })

  it('tells the agents what the profile gives them, in the files that were installed', async () => {
    const path = join(home, 'CLAUDE.md')
    writeBlock(path, { body: 'as an earlier profile had it', facts: 'earlier' }, markdownMarks)
    rememberFile(folder.agentsFilesPath, path)
    const core = await newCore()
    await expect.poll(() => readFileSync(path, 'utf8')).toContain('**4 agents at once.**')
    writeProfile({ llamaServer: { slots: 2 } })
    expect(await core.dispatch(startCommand())).toEqual({ accepted: true })
    await expect.poll(() => readFileSync(path, 'utf8')).toContain('**2 agents at once.**')
  })

  it('is refused while the list of clients is broken, and what runs is still in hand', async () => {
    const { core, snapshot } = await upCore()
    await core.dispatch(stopCommand({ only: 'proxy' }))
    await until(core, ({ services }) => services.proxy.phase === 'stopped')
    rmSync(join(folder.runtimeDir, 'litellm'), { recursive: true })
    await core.dispatch(startCommand(null, 'proxy'))
    await until(core, ({ services }) => services.proxy.phase === 'failed')
    writeFileSync(clientKeysPath(folder.keysDir), '{ "keys": ')
    expect(await core.dispatch(startCommand(null))).toMatchObject({
      accepted: false,
      reason: expect.stringContaining(clientKeysPath(folder.keysDir)),
    })
    await core.dispatch(stopCommand())
    await core.stoppedByCommand
    expect(isAlive(pidOf(snapshot, 'llamaServer'))).toBe(false)
  })

  it('refuses to move what still runs to another port, and names the restart that does', async () => {
    const { core, snapshot } = await upCore()
    await core.dispatch(stopCommand({ only: 'llamaServer' }))
    await until(core, ({ services }) => services.llamaServer.phase === 'stopped')
    rmSync(join(home, 'model.gguf'))
    await core.dispatch(startCommand(null, 'llamaServer'))
    await until(core, ({ services }) => services.llamaServer.phase === 'failed')
    writeFileSync(join(home, 'model.gguf'), 'not read by the stand-in')
    const next = await freePort()
    writeProfile({ proxy: { port: next } })
    expect(await core.dispatch(startCommand(null))).toEqual({
      accepted: false,
      reason: `the Router runs at ${proxyUrl()}, but the settings now say http://127.0.0.1:${next}: nexus restart applies them. Nothing was started.`,
    })
    expect(pidOf(core.snapshot(), 'proxy')).toBe(pidOf(snapshot, 'proxy'))
    expect(await core.dispatch({ type: 'restart', only: null })).toEqual({ accepted: true })
    const after = await until(core, (now) => ready(now) && pidOf(now, 'proxy') !== pidOf(snapshot, 'proxy'))
    expect(after.services.proxy.endpoint).toBe(`http://127.0.0.1:${next}`)
  })

  it('refuses a profile that is nowhere', async () => {
    const core = await newCore()
    expect(await core.dispatch(startCommand('nobody'))).toMatchObject({
      accepted: false,
      reason: expect.stringContaining('profile: found "nobody"'),
    })
    expect(await core.dispatch(startCommand(join(home, 'none.json')))).toMatchObject({ accepted: false })
  })

  it('rolls LiteLLM back when llama-server cannot start, and says why', async () => {
    rmSync(join(home, 'model.gguf'))
    const core = await newCore()
    await core.dispatch(startCommand())
    const snapshot = await until(
      core,
      ({ services }) => services.llamaServer.phase === 'failed' && services.proxy.phase === 'stopped',
    )
    expect(snapshot.overall).toBe('failed')
    expect(snapshot.services.llamaServer.reason).toContain('llamaServer.modelPath: ')
    expect(snapshot.services.ramDisk.phase).toBe('ready')
    await expect(fetch(proxyUrl())).rejects.toThrow('fetch failed')
  })

  it('names a stranger on its port, leaves it alone, and rolls back', async () => {
    const stranger = await startStandIn('--port', String(enginePort))
    ending.push(() => stranger.end())
    const core = await newCore()
    await core.dispatch(startCommand())
    const { services } = await until(
      core,
      (snapshot) =>
        snapshot.services.llamaServer.phase === 'failed' && snapshot.services.proxy.phase === 'stopped',
    )
    expect(services.llamaServer.foreign?.pid).toBe(stranger.pid)
    expect(services.llamaServer.reason).toContain(`pid ${stranger.pid}`)
    await core.dispatch(stopCommand())
    await until(core, ({ overall }) => overall === 'stopped')
    expect((await stranger.asked('/slots')).times).toBe(0)
  })

  it('ends an old llama-server on its port when asked to, and nothing else', async () => {
    const core = await newCore()
    const stranger = await startStandIn('--port', String(enginePort))
    ending.push(() => stranger.end())
    expect(await core.dispatch({ ...startCommand(), replaceForeign: true })).toMatchObject({
      accepted: false,
      reason: expect.stringContaining('which is not llama-server: it is left alone'),
    })
    expect((await stranger.asked('/slots')).times).toBe(0)
    await stranger.end()

    const program = join(home, 'old', 'llama-server')
    mkdirSync(join(home, 'old'))
    symlinkSync(standInProgram, program)
    const old = await startTestChild(process.execPath, [
      program,
      '--port',
      String(enginePort),
      '--ready-line',
    ])
    ending.push(() => old.end())
    await core.dispatch(startCommand())
    const { services } = await until(core, (snapshot) => snapshot.services.llamaServer.phase === 'failed')
    expect(services.llamaServer.reason).toContain('nexus up --replace-foreign')
    expect(await core.dispatch({ ...startCommand(), replaceForeign: true })).toEqual({ accepted: true })
    const snapshot = await until(core, ready)
    expect(pidOf(snapshot, 'llamaServer')).not.toBe(old.pid)
    expect(() => process.kill(old.pid, 0)).toThrow('ESRCH')
  })

  it('serves without the RAM disk, but says what is wrong', async () => {
    disk.mountFailure = 'a plain folder is at the mount point'
    const core = await newCore()
    await core.dispatch(startCommand())
    const snapshot = await until(core, ({ proof }) => proof !== null)
    expect(snapshot.overall).toBe('degraded')
    expect(snapshot.services.ramDisk).toMatchObject({
      phase: 'failed',
      reason: 'a plain folder is at the mount point',
    })
  })
})

describe('while it runs', () => {
  it('a llama-server killed with -9 comes back, and the message is sent again', async () => {
    const { core, snapshot } = await upCore()
    await tellAt(engineUrl(), { metrics: { tokens_predicted_total: 5_000 } })
    await until(core, ({ throughput }) => throughput?.tokensGeneratedTotal === 5_000)
    const totals: (number | null)[] = []
    const watch = core.watch(({ services, throughput }) => {
      const isNew = services.llamaServer.pid !== snapshot.services.llamaServer.pid
      if (isNew) totals.push(throughput?.tokensGeneratedTotal ?? null)
    })
    process.kill(pidOf(snapshot, 'llamaServer'), 'SIGKILL')
    const after = await until(
      core,
      (next) => ready(next) && next.services.llamaServer.pid !== snapshot.services.llamaServer.pid,
    )
    await until(core, () => totals.includes(0))
    watch.stop()
    // Never the total of the process before.
    expect(new Set(totals)).toEqual(new Set([null, 0]))
    expect(after.services.llamaServer.restarts).toBe(1)
    expect(after.proof?.provedAt).toBeGreaterThanOrEqual(snapshot.proof?.provedAt ?? Number.POSITIVE_INFINITY)
    expect((await readAsked(proxyUrl(), '/v1/messages')).times).toBeGreaterThanOrEqual(2)
  })

  it('a server that answers badly twice is degraded, with the reason, and ready when it answers well', async () => {
    const { core } = await upCore()
    await behaveAt(engineUrl(), '/health', { behaviour: 'status', status: 500 })
    const bad = await until(core, ({ services }) => services.llamaServer.phase === 'degraded')
    expect(bad.overall).toBe('degraded')
    expect(bad.services.llamaServer.reason).toBe('/health answered 500')
    await behaveAt(engineUrl(), '/health', { behaviour: 'well' })
    const good = await until(core, ready)
    expect(good.services.llamaServer).toMatchObject({ reason: null, restarts: 0 })
  })

  it('a server that hangs (SIGSTOP) is degraded while memory stays live, and is brought down all the same', async () => {
    const { core, snapshot } = await upCore()
    process.kill(pidOf(snapshot, 'llamaServer'), 'SIGSTOP')
    const seen: Snapshot[] = []
    const watch = core.watch((next) => seen.push(next))
    const bad = await until(core, ({ services }) => services.llamaServer.phase === 'degraded')
    watch.stop()
    expect(bad.services.llamaServer.reason).toBe('no answer: no answer in time')
    // Two probes of 3 s: about one snapshot a second all the while, each with a live memory.
    expect(seen.length).toBeGreaterThanOrEqual(4)
    expect(seen.every(({ memory }) => memory !== null)).toBe(true)
    expect(bad.throughput).toBeNull()
    await core.dispatch(stopCommand())
    await core.stoppedByCommand
    expect(phasesOf(core.snapshot())).toEqual(['ready', 'stopped', 'stopped'])
  })

  it('one bad answer is no outage', async () => {
    const { core } = await upCore()
    await behaveAt(engineUrl(), '/health', { behaviour: 'reset', times: 1 })
    const before = (await readAsked(engineUrl(), '/health')).times
    const seen = new Set<string>()
    const watch = core.watch(({ overall }) => seen.add(overall))
    await expect
      .poll(async () => (await readAsked(engineUrl(), '/health')).times, { timeout: 10_000 })
      .toBeGreaterThanOrEqual(before + 2)
    await core.readSnapshot()
    watch.stop()
    expect([...seen]).toEqual(['ready'])
  })

  it('/slots that answers garbage makes the slots unknown, not the server sick', async () => {
    const { core } = await upCore()
    await until(core, ({ slots }) => slots !== null)
    await behaveAt(engineUrl(), '/slots', { behaviour: 'text', text: '[{"id":' })
    const snapshot = await until(core, ({ slots, queue }) => slots === null && queue !== null)
    expect(snapshot.overall).toBe('ready')
    await behaveAt(engineUrl(), '/slots', { behaviour: 'well' })
    await until(core, ({ slots }) => slots !== null)
  })

  it('says why when the message does not come back any more', async () => {
    const { core } = await upCore()
    await behaveAt(proxyUrl(), '/v1/messages', {
      behaviour: 'status',
      status: 500,
      text: 'Connection error.',
    })
    expect(await core.dispatch({ type: 'restart', only: 'llamaServer' })).toEqual({ accepted: true })
    const snapshot = await until(core, ({ proofFailure }) => proofFailure !== null)
    expect(snapshot.proofFailure).toContain('got no answer from the AI Engine (500): Connection error.')
    expect(snapshot.proof).toBeNull()
    expect(snapshot.overall).toBe('degraded')
  })
})

describe('restart', () => {
  it('of one server leaves the other, and proves again', async () => {
    const { core, snapshot } = await upCore()
    await core.dispatch({ type: 'restart', only: 'proxy' })
    const after = await until(
      core,
      (next) => ready(next) && next.services.proxy.pid !== snapshot.services.proxy.pid,
    )
    expect(pidOf(after, 'llamaServer')).toBe(pidOf(snapshot, 'llamaServer'))
    expect(after.proof?.provedAt).toBeGreaterThan(snapshot.proof?.provedAt ?? Number.POSITIVE_INFINITY)
  })
})

describe('stop', () => {
  it('leaves no process, keeps the RAM disk, and tells a background core that it may go', async () => {
    const { core } = await upCore()
    let over = false
    void core.stoppedByCommand.then(() => {
      over = true
    })
    await core.dispatch(stopCommand({ only: 'proxy' }))
    await until(core, ({ services }) => services.proxy.phase === 'stopped')
    expect(over).toBe(false)
    expect(await core.dispatch(stopCommand())).toEqual({ accepted: true })
    await core.stoppedByCommand
    const snapshot = core.snapshot()
    expect(phasesOf(snapshot)).toEqual(['ready', 'stopped', 'stopped'])
    expect(snapshot.overall).toBe('stopped')
    for (const url of [engineUrl(), proxyUrl()]) await expect(fetch(url)).rejects.toThrow('fetch failed')
    expect(readIntent(folder.intentPath)?.up).toEqual(['ramDisk'])
  })

  it('is carried out although it cannot be saved, and says so', async () => {
    const { core } = await upCore()
    rmSync(folder.intentPath)
    mkdirSync(join(folder.intentPath, 'in-the-way'), { recursive: true })
    expect(await core.dispatch(stopCommand())).toEqual({ accepted: true })
    await core.stoppedByCommand
    expect(phasesOf(core.snapshot())).toEqual(['ready', 'stopped', 'stopped'])
    expect(core.snapshot().events).toContainEqual(
      expect.objectContaining({
        severity: 'warning',
        text: expect.stringContaining('Could not save the stopped state'),
      }),
    )
  })

  it('that a start overtook does not end the core', async () => {
    const { core, snapshot } = await upCore()
    let over = false
    void core.stoppedByCommand.then(() => {
      over = true
    })
    await core.dispatch(stopCommand())
    await until(core, ({ services }) => services.proxy.phase === 'stopping')
    await core.dispatch(startCommand(null))
    const after = await until(
      core,
      (next) => ready(next) && next.services.proxy.pid !== snapshot.services.proxy.pid,
    )
    expect(phasesOf(after)).toEqual(['ready', 'ready', 'ready'])
    expect(pidOf(after, 'llamaServer')).toBe(pidOf(snapshot, 'llamaServer'))
    expect(over).toBe(false)
    expect(readIntent(folder.intentPath)?.up).toEqual(['ramDisk', 'llamaServer', 'proxy'])
  })

  it('waits for a busy slot, then goes on', async () => {
    const { core } = await upCore()
    await tellAt(engineUrl(), { slots: [{ id: 0, n_ctx: 4096, is_processing: true }] })
    await core.dispatch(stopCommand({ now: false }))
    await until(core, ({ services }) => services.proxy.phase === 'stopped')
    const asked = (await readAsked(engineUrl(), '/slots')).times
    await expect
      .poll(async () => (await readAsked(engineUrl(), '/slots')).times, { timeout: 10_000 })
      .toBeGreaterThan(asked + 2)
    expect(core.snapshot().services.llamaServer.phase).toBe('ready')
    await tellAt(engineUrl(), { slots: [{ id: 0, n_ctx: 4096, is_processing: false }] })
    await core.stoppedByCommand
  })

  it('with eject refuses while the disk is in use, naming by whom, and then stops nothing', async () => {
    const { core } = await upCore()
    disk.ejects = [
      { kind: 'busy', holders: [{ pid: 12, command: 'cargo', user: 'bob' }] },
      { kind: 'failed', reason: 'resource busy' },
    ]
    expect(await core.dispatch(stopCommand({ eject: true }))).toMatchObject({
      accepted: false,
      reason: expect.stringContaining('in use by cargo (pid 12, user bob)'),
    })
    expect(await core.dispatch(stopCommand({ eject: true }))).toEqual({
      accepted: false,
      reason: 'could not eject the RAM disk: resource busy',
    })
    expect((await core.readSnapshot()).overall).toBe('ready')
    expect(await core.dispatch(stopCommand({ eject: true, force: true }))).toEqual({ accepted: true })
    await core.stoppedByCommand
    expect(disk.forced).toEqual([false, false, true])
    expect(phasesOf(core.snapshot())).toEqual(['stopped', 'stopped', 'stopped'])
    expect(readIntent(folder.intentPath)?.up).toEqual([])
  })
})

describe('the next core', () => {
  it('adopts what the last one left: same processes, same proof, no second message', async () => {
    const { core, snapshot } = await upCore()
    await core.close()
    const messages = (await readAsked(proxyUrl(), '/v1/messages')).times
    const next = await until(await newCore(), ready)
    for (const id of ['llamaServer', 'proxy'] as const) {
      expect(next.services[id]).toMatchObject({ pid: pidOf(snapshot, id), adopted: true })
    }
    expect(next.services.ramDisk.phase).toBe('ready')
    expect(next.profile).toBe(profilePath)
    expect(next.proof?.provedAt).toBe(snapshot.proof?.provedAt)
    expect((await readAsked(proxyUrl(), '/v1/messages')).times).toBe(messages)
  })

  it('brings back what was wanted and died meanwhile, as it was started', async () => {
    const { core, snapshot } = await upCore()
    await core.close()
    disk.mounted = false
    process.kill(pidOf(snapshot, 'llamaServer'), 'SIGKILL')
    // Edited since: what runs is still what was started.
    writeProfile({ proxy: { modelName: 'other' } })
    const next = await until(await newCore(), ready)
    expect(pidOf(next, 'llamaServer')).not.toBe(pidOf(snapshot, 'llamaServer'))
    expect(pidOf(next, 'proxy')).toBe(pidOf(snapshot, 'proxy'))
    expect(next.proof?.model).toBe('claude-3-5-sonnet-20241022')
    expect(disk.mounted).toBe(true)
  })

  it.each([
    ['cut off', '{"version":1,"entr'],
    ['of another form', '[]'],
    ['gone', null],
  ])('takes over what runs where the ledger is %s, and a down then ends it', async (_how, text) => {
    const { core, snapshot } = await upCore()
    await core.close()
    if (text === null) rmSync(folder.ledgerPath)
    else writeFileSync(folder.ledgerPath, text)
    const live = await readLiveServices(folder, platform().processes)
    expect(live.map(({ service, pid }) => [service, pid])).toEqual([
      ['llamaServer', pidOf(snapshot, 'llamaServer')],
      ['proxy', pidOf(snapshot, 'proxy')],
    ])
    // Another state folder's servers are not ours, whatever port they are on.
    const other = { ...folder, keysDir: join(home, 'other/keys'), proxyDir: join(home, 'other/litellm') }
    expect(await readLiveServices(other, platform().processes)).toEqual([])
    const next = await newCore()
    for (const id of ['llamaServer', 'proxy'] as const)
      expect(next.snapshot().services[id].adopted).toBe(true)
    expect(await next.dispatch(stopCommand())).toEqual({ accepted: true })
    await next.stoppedByCommand
    for (const id of ['llamaServer', 'proxy'] as const)
      await expect.poll(() => isAlive(pidOf(snapshot, id))).toBe(false)
  })

  it('does not bring back what a person stops before it was found out whether it fits', async () => {
    const { core, snapshot } = await upCore()
    await core.close()
    process.kill(pidOf(snapshot, 'llamaServer'), 'SIGKILL')
    const next = await newCore()
    expect(await next.dispatch(stopCommand())).toEqual({ accepted: true })
    await next.stoppedByCommand
    expect(phasesOf(next.snapshot())).toEqual(['ready', 'stopped', 'stopped'])
    expect(openLedger(folder.ledgerPath).find('llamaServer')).toBeNull()
  })

  it('brings everything back after a reboot, even if the old pids were reused', async () => {
    const { core, snapshot } = await upCore()
    await core.close()
    disk.mounted = false
    for (const id of ['llamaServer', 'proxy'] as const) process.kill(-pidOf(snapshot, id), 'SIGKILL')
    const stranger = await startSleeper()
    ending.push(() => stranger.end())
    const ledger = openLedger(folder.ledgerPath)
    for (const id of ['llamaServer', 'proxy'] as const) {
      const entry = ledger.find(id)
      if (entry !== null) ledger.record({ ...entry, pid: stranger.pid })
    }
    const next = await until(await newCore(), ready)
    for (const id of ['llamaServer', 'proxy'] as const) {
      expect(next.services[id].adopted).toBe(false)
      expect([stranger.pid, pidOf(snapshot, id)]).not.toContain(pidOf(next, id))
    }
    expect(disk.mounted).toBe(true)
    expect(process.kill(stranger.pid, 0)).toBe(true)
  })

  describe('after a reboot, on a machine on which it no longer fits', () => {
    const llamaServer = { modelPath: seedModel, contextTokens: 8192 }

    const reboot = async (command: Command): Promise<Core> => {
      const core = await newCore()
      expect(await core.dispatch(command)).toEqual({ accepted: true })
      const snapshot = await until(core, ready)
      await core.close()
      for (const id of ['llamaServer', 'proxy'] as const) {
        process.kill(-pidOf(snapshot, id), 'SIGKILL')
        // After a reboot nothing is left of them, not even for a moment.
        await expect.poll(() => isAlive(pidOf(snapshot, id))).toBe(false)
      }
      disk.mounted = false
      machine.totalMemoryBytes = 16 * 1024 ** 3
      return newCore()
    }

    it('starts no server, and says why', async () => {
      machine.totalMemoryBytes = 256 * 1024 ** 3
      const next = await reboot(startCommand(writeProfile({ llamaServer })))
      const { events, services } = await until(next, ({ services: { ramDisk } }) => ramDisk.phase === 'ready')
      expect(events).toContainEqual(
        expect.objectContaining({ severity: 'critical', text: expect.stringContaining('does not fit') }),
      )
      expect([services.llamaServer.phase, services.proxy.phase]).toEqual(['stopped', 'stopped'])
    })

    it('starts what was started in spite of that', async () => {
      machine.totalMemoryBytes = 16 * 1024 ** 3
      const command = { ...startCommand(writeProfile({ llamaServer })), force: true }
      await until(await reboot(command), ready)
    })
  })

  it('starts nothing after a stop', async () => {
    const { core } = await upCore()
    await core.dispatch(stopCommand())
    await core.stoppedByCommand
    await core.close()
    const next = await newCore()
    expect(phasesOf(await next.readSnapshot())).toEqual(['ready', 'stopped', 'stopped'])
  })

  it('takes over although the config is being edited and broken', async () => {
    const { core, snapshot } = await upCore()
    await core.close()
    writeFileSync(folder.configPath, '{ "profile": ')
    const next = await newCore()
    expect(pidOf(await until(next, ready), 'llamaServer')).toBe(pidOf(snapshot, 'llamaServer'))
    expect(await next.dispatch(startCommand())).toMatchObject({
      accepted: false,
      reason: expect.stringContaining('not JSON'),
    })
    expect(readFileSync(folder.configPath, 'utf8')).toBe('{ "profile": ')
    expect(existsSync(folder.lastGoodConfigPath)).toBe(false)
  })
})

describe('a gateway', () => {
  /** Stands in for Traefik where only its process matters: the real one is in e2e. */
  const installGateway = (): string => {
    const path = join(home, 'traefik')
    writeScript(path, [`exec '${process.execPath}' '${standInProgram}' --litellm --port ${gatewayPort}`])
    return path
  }
  let gatewayPort = 0
  beforeEach(async () => {
    gatewayPort = await freePort()
  })
  const gatewayOf = () => ({ listen: `127.0.0.1:${gatewayPort}`, binaryPath: installGateway() })
  const gatewayPid = ({ services: { gateway } }: Snapshot): number => gateway?.pid ?? 0

  it('serves with the Router, is taken over by the next core, and ends with everything', async () => {
    writeProfile({ gateway: gatewayOf() })
    const first = await newCore()
    await first.dispatch(startCommand())
    const before = await until(first, (next) => ready(next) && next.services.gateway?.phase === 'ready')
    expect(before.services.gateway?.endpoint).toBe(`http://ai.opta.local:${gatewayPort}`)
    expect(statSync(join(folder.gatewayDir, 'dynamic', 'opta-nexus.yml')).mode & 0o777).toBe(0o600)
    await first.close()
    const second = await newCore()
    const after = await until(second, (next) => ready(next) && next.services.gateway?.phase === 'ready')
    expect(after.services.gateway).toMatchObject({ pid: gatewayPid(before), adopted: true })
    await second.dispatch(stopCommand())
    await second.stoppedByCommand
    expect(isAlive(gatewayPid(before))).toBe(false)
  })

  it('that failed takes the settings as they are now with the next start, and the servers go on', async () => {
    const holder = createServer()
    await new Promise<void>((resolve) => holder.listen(gatewayPort, '127.0.0.1', resolve))
    ending.push(() => new Promise<void>((resolve) => holder.close(() => resolve())))
    writeProfile({ gateway: gatewayOf() })
    const core = await newCore()
    await core.dispatch(startCommand())
    const failed = await until(core, ({ overall, proof }) => overall === 'degraded' && proof !== null)
    expect(failed.services.gateway?.reason).toContain(`port ${gatewayPort} of the Gateway is held by`)
    gatewayPort = await freePort()
    writeProfile({ gateway: gatewayOf() })
    expect(await core.dispatch(startCommand(null))).toEqual({ accepted: true })
    const after = await until(core, (next) => ready(next) && next.services.gateway?.phase === 'ready')
    expect(after.services.gateway?.endpoint).toBe(`http://ai.opta.local:${gatewayPort}`)
    expect(pidOf(after, 'llamaServer')).toBe(pidOf(failed, 'llamaServer'))
    expect(pidOf(after, 'proxy')).toBe(pidOf(failed, 'proxy'))
  })

  it('that its profile no longer has, or that is unknown, is ended', async () => {
    writeProfile({ gateway: gatewayOf() })
    const first = await newCore()
    await first.dispatch(startCommand())
    const before = await until(first, (next) => ready(next) && next.services.gateway?.phase === 'ready')
    writeProfile()
    await first.dispatch({ type: 'restart', only: null })
    const without = await until(first, (next) => ready(next) && next.services.gateway === undefined)
    expect(isAlive(gatewayPid(before))).toBe(false)
    expect(without.services.proxy.phase).toBe('ready')

    gatewayPort = await freePort()
    writeProfile({ gateway: gatewayOf() })
    await first.dispatch({ type: 'restart', only: null })
    const again = await until(first, (next) => ready(next) && next.services.gateway?.phase === 'ready')
    await first.close()
    rmSync(folder.intentPath)
    const second = await newCore()
    expect((await second.readSnapshot()).services.gateway).toBeUndefined()
    expect(isAlive(gatewayPid(again))).toBe(false)
  })
})

describe('a start with changed settings after one part failed', () => {
  const slotsOf = (word: '-np' | '--parallel', argv: readonly string[]) => argv[argv.indexOf(word) + 1]
  const engineSlots = (): string | undefined => {
    const argv = openLedger(folder.ledgerPath).find('llamaServer')?.argv ?? []
    return slotsOf(argv.includes('-np') ? '-np' : '--parallel', argv)
  }
  const routerFile = (): unknown => JSON.parse(readFileSync(join(folder.proxyDir, 'router.json'), 'utf8'))
  const restartNeeded = async (core: Core) => (await core.ask({ type: 'settings' })).restartNeeded

  const failEngine = async (core: Core) => {
    await core.dispatch(stopCommand({ only: 'llamaServer' }))
    await until(core, ({ services }) => services.llamaServer.phase === 'stopped')
    rmSync(join(home, 'model.gguf'))
    await core.dispatch(startCommand(null, 'llamaServer'))
    await until(core, ({ services }) => services.llamaServer.phase === 'failed')
    writeFileSync(join(home, 'model.gguf'), 'not read by the stand-in')
  }
  const failRouter = async (core: Core) => {
    await core.dispatch(stopCommand({ only: 'proxy' }))
    await until(core, ({ services }) => services.proxy.phase === 'stopped')
    rmSync(join(folder.runtimeDir, 'litellm'), { recursive: true })
    await core.dispatch(startCommand(null, 'proxy'))
    await until(core, ({ services }) => services.proxy.phase === 'failed')
    installLiteLlm()
  }

  it.each([
    ['slots', {}, { slots: 2 }, { slots: 2 }],
    ['pool', { unifiedKv: true }, { unifiedKv: true, contextTokens: 8192 }, { pool_tokens: 7680 }],
    ['shares instead of a pool', { unifiedKv: true }, {}, { pool_tokens: null }],
  ] as const)('of the AI Engine: the Router gets the new %s too', async (_, before, llamaServer, told) => {
    writeProfile({ llamaServer: before })
    const { core, snapshot } = await upCore()
    expect(routerFile()).not.toMatchObject(told)
    await failEngine(core)
    writeProfile({ llamaServer })
    expect(await core.dispatch(startCommand(null))).toEqual({ accepted: true })
    const after = await until(core, (now) => ready(now) && pidOf(now, 'proxy') !== pidOf(snapshot, 'proxy'))
    expect(routerFile()).toMatchObject(told)
    expect(engineSlots()).toBe('slots' in llamaServer ? '2' : '4')
    expect(await restartNeeded(core)).toEqual([])
    expect(after.services.proxy.restarts).toBe(0)
    expect(readIntent(folder.intentPath)?.profile).toMatchObject({ llamaServer })
  })

  it('of the AI Engine that the Router takes nothing from: the Router goes on', async () => {
    const { core, snapshot } = await upCore()
    await failEngine(core)
    writeProfile({ llamaServer: { batchTokens: 256 }, proxy: { modelName: 'other' } })
    expect(await core.dispatch(startCommand(null))).toEqual({ accepted: true })
    const after = await until(core, ready)
    expect(pidOf(after, 'proxy')).toBe(pidOf(snapshot, 'proxy'))
    expect(await restartNeeded(core)).toEqual([
      { key: 'proxy.modelName', running: 'claude-3-5-sonnet-20241022', configured: 'other' },
    ])
    expect(after.proof?.model).toBe('claude-3-5-sonnet-20241022')
  })

  it('of the Router: it fits the AI Engine that runs, and what differs is said', async () => {
    const { core, snapshot } = await upCore()
    await failRouter(core)
    writeProfile({ llamaServer: { slots: 2 }, proxy: { modelName: 'other' } })
    expect(await core.dispatch(startCommand(null))).toEqual({ accepted: true })
    const after = await until(core, ready)
    expect(pidOf(after, 'llamaServer')).toBe(pidOf(snapshot, 'llamaServer'))
    expect([engineSlots(), routerFile()]).toMatchObject(['4', { slots: 4 }])
    expect(after.proof?.model).toBe('other')
    const needed = [{ key: 'llamaServer.slots', running: '4', configured: '2' }]
    expect(await restartNeeded(core)).toEqual(needed)
    // The next core knows it too.
    await core.close()
    const next = await newCore()
    await until(next, ready)
    expect(await restartNeeded(next)).toEqual(needed)
  })

  it('while the RAM disk is mounted: it stays as it is, also for one that nothing else runs beside', async () => {
    const { core } = await upCore()
    await core.dispatch(stopCommand({ only: 'proxy' }))
    await core.dispatch(stopCommand({ only: 'llamaServer' }))
    await until(
      core,
      ({ services }) => services.llamaServer.phase === 'stopped' && services.proxy.phase === 'stopped',
    )
    writeProfile({ ramDisk: { sizeMiB: 32 }, llamaServer: { slots: 2 } })
    expect(await core.dispatch(startCommand())).toEqual({ accepted: true })
    await until(core, ready)
    expect(engineSlots()).toBe('2')
    expect(await restartNeeded(core)).toEqual([
      { key: 'ramDisk.sizeMiB', running: '16', configured: '32', needsEject: true },
    ])
  })
})

describe('a restart of everything', () => {
  it('takes the settings as they are now, and only then is another process', async () => {
    const { core, snapshot } = await upCore()
    const settings = () => core.ask({ type: 'settings' })
    expect((await settings()).restartNeeded).toEqual([])
    writeProfile({ proxy: { modelName: 'other' } })
    expect((await settings()).restartNeeded).toEqual([
      { key: 'proxy.modelName', running: 'claude-3-5-sonnet-20241022', configured: 'other' },
    ])
    // `nexus restart` takes a stopped server for one that another order stopped.
    const phases = new Set<string>()
    const watch = core.watch((next) => {
      for (const id of ['llamaServer', 'proxy'] as const) phases.add(next.services[id].phase)
    })
    expect(await core.dispatch({ type: 'restart', only: null })).toEqual({ accepted: true })
    const after = await until(
      core,
      (next) => ready(next) && next.services.llamaServer.pid !== snapshot.services.llamaServer.pid,
    )
    watch.stop()
    expect([...phases].sort()).toEqual(['ready', 'starting', 'stopping'])
    expect(after.proof?.model).toBe('other')
    expect((await settings()).restartNeeded).toEqual([])
  })

  it('stops nothing when the settings are impossible now', async () => {
    const { core, snapshot } = await upCore()
    writeProfile({ proxy: { port: enginePort } })
    expect(await core.dispatch({ type: 'restart', only: null })).toMatchObject({
      accepted: false,
      reason: expect.stringContaining('proxy.port: found'),
    })
    const after = await core.readSnapshot()
    expect(after.overall).toBe('ready')
    expect(pidOf(after, 'llamaServer')).toBe(pidOf(snapshot, 'llamaServer'))
  })

  it.each([
    ['with the same settings', () => {}],
    ['with other settings', () => void writeProfile({ proxy: { modelName: 'other' } })],
  ])('%s stays down when a stop comes meanwhile', async (_, change) => {
    const { core } = await upCore()
    change()
    await core.dispatch({ type: 'restart', only: null })
    await core.dispatch(stopCommand())
    await core.stoppedByCommand
    // What the restart left for later has had its turn once another command was carried out.
    await core.dispatch(stopCommand())
    expect(phasesOf(await core.readSnapshot())).toEqual(['ready', 'stopped', 'stopped'])
    for (const id of ['llamaServer', 'proxy'] as const) {
      expect(readFileSync(folder.logPath(id), 'utf8').match(startLine)).toHaveLength(1)
    }
  })
})

describe('new settings', () => {
  const configure = async (core: Core, override: ProfileOverride): Promise<void> => {
    const { config, revision } = await core.ask({ type: 'settings' })
    const changed = { ...config, profile: 'mine', profiles: { mine: { extends: 'demo', ...override } } }
    expect(await core.dispatch({ type: 'configure', config: changed, revision })).toEqual({ accepted: true })
  }
  const missingIn = ({ setUp }: Snapshot) => setUp?.missing.map(({ id }) => id) ?? []

  it('are shown while nothing runs, by the next core too', async () => {
    const core = await newCore()
    expect(core.snapshot().profile).toBe('demo')
    expect(missingIn(core.snapshot())).not.toContain('traefik')
    await core.dispatch(stopCommand({ only: 'proxy' }))
    await configure(core, { gateway: { listen: '127.0.0.1:9' } })
    const after = await until(core, (next) => missingIn(next).includes('traefik'))
    expect(after).toMatchObject({ profile: 'mine', services: { gateway: { phase: 'stopped' } } })
    await core.close()
    expect((await newCore()).snapshot().profile).toBe('mine')
  })

  it('do not take the disk over that another profile has mounted', async () => {
    const core = await newCore()
    await core.dispatch(startCommand(profilePath, 'ramDisk'))
    await until(core, ({ services }) => services.ramDisk.phase === 'ready')
    await configure(core, { ramDisk: { sizeMiB: 32 } })
    expect(core.snapshot()).toMatchObject({ profile: profilePath, services: { ramDisk: { phase: 'ready' } } })
    await configure(core, { ramDisk: { sizeMiB: 16 } })
    expect(core.snapshot()).toMatchObject({ profile: 'mine', services: { ramDisk: { phase: 'ready' } } })
  })

  it('are shown once what ran has ended, as they are then, and the disk has been ejected', async () => {
    const core = await newCore({ background: false })
    await core.dispatch(startCommand())
    await until(core, ready)
    await configure(core, { ramDisk: { sizeMiB: 32 } })
    await core.dispatch(stopCommand())
    await core.stoppedByCommand
    // Carried out after what the stop left for later.
    await core.dispatch(stopCommand({ only: 'proxy' }))
    expect(core.snapshot().profile).toBe(profilePath)
    writeFileSync(
      folder.configPath,
      readFileSync(folder.configPath, 'utf8').replace(
        '"mine": {',
        '"mine": { "gateway": { "listen": "127.0.0.1:9" },',
      ),
    )
    await core.dispatch(stopCommand({ only: 'ramDisk', eject: true }))
    const after = await until(core, (next) => missingIn(next).includes('traefik'))
    expect(after).toMatchObject({ profile: 'mine', services: { ramDisk: { phase: 'stopped' } } })
    expect(readIntent(folder.intentPath)?.profileName).toBe('mine')
  })

  it('do not disturb what is being brought back', async () => {
    const { core, snapshot } = await upCore()
    await core.close()
    disk.mounted = false
    for (const id of ['llamaServer', 'proxy'] as const) {
      process.kill(-pidOf(snapshot, id), 'SIGKILL')
      await expect.poll(() => isAlive(pidOf(snapshot, id))).toBe(false)
    }
    const { promise: looked, resolve: goOn } = Promise.withResolvers<void>()
    machine.firstLook = looked
    const next = await newCore()
    await configure(next, { gateway: { listen: '127.0.0.1:9' } })
    goOn()
    expect((await until(next, ready)).profile).toBe(profilePath)
  })

  it('wait for a restart while something runs', async () => {
    const { core, snapshot } = await upCore()
    await configure(core, { proxy: { modelName: 'other' } })
    expect(core.snapshot()).toMatchObject({ profile: profilePath, overall: 'ready' })
    expect(pidOf(core.snapshot(), 'proxy')).toBe(pidOf(snapshot, 'proxy'))
  })
})

describe('what a window gets', () => {
  it('is what happened, in order, and what holds', async () => {
    const { core, snapshot } = await upCore()
    process.kill(pidOf(snapshot, 'proxy'), 'SIGKILL')
    const crashed = await until(core, ({ notices }) => notices.some(({ id }) => id === 'crashed-proxy'))
    expect(crashed.notices[0]).toMatchObject({ severity: 'critical', raise: true })
    const after = await until(
      core,
      (next) => ready(next) && next.notices.some(({ id }) => id === 'recovered-proxy'),
    )
    const texts = after.events.map(({ text }) => text.replace(/ after .*| in \d.*/, ''))
    const expected = [
      'Router is starting',
      'Router is ready',
      'A Claude request came back',
      expect.stringContaining('Router crashed: '),
      'Router is ready again, restarted',
      'A Claude request came back',
    ]
    expect(texts.filter((text) => /Router|Claude/.test(text))).toEqual(expected)
    expect(after.events.every(({ at }, index) => at >= (after.events[index - 1]?.at ?? 0))).toBe(true)
  })

  it('is sent to a watcher that does not watch closely as soon as it changes', async () => {
    const core = await newCore()
    const seen: string[] = []
    const watch = core.watch(({ overall }) => seen.push(overall), { watched: false })
    await watch.begun
    await core.dispatch(startCommand())
    await until(core, () => seen.includes('ready'))
    watch.stop()
    expect(seen[0]).toBe('stopped')
    expect(seen).toContain('starting')
  })

  it('is what is not installed, from the first snapshot on', async () => {
    const core = await newCore()
    // The stand-in's LiteLLM is not what the lock names.
    expect(core.snapshot().setUp?.missing.map(({ id }) => id)).toContain('litellm')
  })

  it('is the history first, then each step as it ends', async () => {
    const { core } = await upCore()
    const pieces: number[] = []
    const ended = new Promise<void>((resolve) => {
      const stop = core.watchHistory((samples) => {
        pieces.push(samples.length)
        if (pieces.length < 2) return
        stop()
        resolve()
      })
    })
    core.watch(() => {})
    await ended
    expect(pieces.at(-1)).toBe(1)
  })

  it('are the lines of a log, and its end when asked', async () => {
    const { core } = await upCore()
    const line = new Promise<string | undefined>((resolve) => {
      const stop = core.followLog('proxy', (lines) => {
        stop()
        resolve(lines[0])
      })
    })
    await core.dispatch({ type: 'restart', only: 'proxy' })
    expect(await line).toMatch(startLine)
    expect(await core.ask({ type: 'logTail', log: 'proxy', lines: 1 })).toEqual([
      expect.stringMatching(/^INFO: +Uvicorn running on http:/),
    ])
  })
})
