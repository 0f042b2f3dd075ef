// The supervisor against real child processes: every way in which a service can misbehave.
import { fstatSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ForeignProcess, ServiceState } from '../../contract/snapshot.ts'
import { type LogMark, logBeginning } from '../logs/log-generations.ts'
import { createPlatform } from '../platform/detect-platform.ts'
import type { ProcessTable } from '../platform/platform.ts'
import type { ChildService } from './child-service.ts'
import { type Ledger, type LedgerEntry, openLedger } from './ledger.ts'
import type { RestartPolicy } from './restart-policy.ts'
import { createSupervisor, type Supervisor, type SupervisorOptions } from './supervisor.ts'

const childProgram = join(import.meta.dirname, 'test-support/odd-child.mjs')
const quickPolicy: RestartPolicy = { delaysMs: [20], jitter: 0, giveUpAfter: 3, windowMs: 60_000 }

let folder: string
let port: number
let supervisors: Supervisor[]
const { processes } = createPlatform({ ramDiskRoot: '/nonexistent' })
const realKill = process.kill.bind(process)

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'nexus-supervisor-'))
  port = await freePort()
  supervisors = []
})

afterEach(async () => {
  for (const supervisor of supervisors) await supervisor.stop(100)
  rmSync(folder, { recursive: true, force: true })
})

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer()
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      const found = typeof address === 'object' && address !== null ? address.port : 0
      server.close(() => resolve(found))
    })
  })

const oddService = (...flags: string[]): ChildService => ({
  id: 'proxy',
  port,
  endpoint: `http://127.0.0.1:${port}`,
  prepare: async () => ({
    argv: [process.execPath, childProgram, '--port', String(port), ...flags],
    env: { PATH: process.env['PATH'] ?? '' },
    cwd: folder,
  }),
  probe: async (signal) => {
    try {
      const response = await fetch(`http://127.0.0.1:${port}`, { signal })
      return response.ok ? { state: 'ready' } : { state: 'loading', detail: await response.text() }
    } catch {
      return { state: 'loading', detail: 'its first answer' }
    }
  },
  explainExit: ({ exitCode, signal, logTail }) => ({
    reason: `ended with ${exitCode ?? signal ?? 'unknown'}: ${logTail.at(-1) ?? 'no log'}`,
    permanent: exitCode === 78,
  }),
})

const supervise = (
  service: ChildService,
  policy = quickPolicy,
  table: ProcessTable = processes,
  ledger: Ledger = openLedger(join(folder, 'ledger.json')),
  more: Partial<SupervisorOptions> = {},
) => {
  const seen: ServiceState[] = []
  const logPath = join(folder, 'child.log')
  const opened: number[] = []
  const readMarks: LogMark[] = []
  const supervisor: Supervisor = createSupervisor({
    service,
    profileName: 'test',
    processes: table,
    ledger,
    log: {
      open: () => {
        const fd = openSync(logPath, 'a', 0o600)
        opened.push(fd)
        return { fd, mark: { ...logBeginning, offset: fstatSync(fd).size } }
      },
      readSince: async (mark) => {
        readMarks.push(mark)
        return readFileSync(logPath, 'utf8').trimEnd().split('\n')
      },
    },
    policy,
    onChange: () => {
      seen.push(supervisor.state())
      for (const check of [...checks]) check()
    },
    ...more,
  })
  const checks = new Set<() => void>()
  /** Settles as soon as a state of this supervisor fits. */
  const until = (fits: (state: ServiceState) => boolean): Promise<ServiceState> =>
    new Promise((resolve) => {
      const check = () => {
        if (!fits(supervisor.state())) return
        checks.delete(check)
        resolve(supervisor.state())
      }
      checks.add(check)
      check()
    })
  supervisors.push(supervisor)
  return {
    supervisor,
    seen,
    until,
    ledger,
    opened,
    readMarks,
    logPath,
    phases: () => seen.map((state) => state.phase),
  }
}

const pidOf = (state: ServiceState): number => {
  if (state.pid === null) throw new Error(`no pid in phase ${state.phase}: ${state.reason}`)
  return state.pid
}

describe('what it shows and writes down', () => {
  it('of a start and a stop', async () => {
    let nowMs = 1_000_000
    const { supervisor, seen, ledger, opened, logPath } = supervise(
      oddService(),
      quickPolicy,
      processes,
      openLedger(join(folder, 'ledger.json')),
      { now: () => nowMs },
    )
    const stopped = {
      phase: 'stopped',
      since: 1_000_000,
      pid: null,
      adopted: false,
      restarts: 0,
      uptimeSeconds: null,
      endpoint: null,
      reason: null,
      waitingFor: null,
      foreign: null,
    }
    expect(supervisor.state()).toEqual(stopped)
    nowMs = 1_002_000
    const ready = await supervisor.start()
    expect(ready).toEqual({
      ...stopped,
      phase: 'ready',
      since: 1_002_000,
      pid: expect.any(Number),
      uptimeSeconds: 0,
      endpoint: `http://127.0.0.1:${port}`,
    })
    nowMs = 1_062_500
    expect(supervisor.state().uptimeSeconds).toBe(60.5)
    // The clock was set back.
    nowMs = 900_000
    expect(supervisor.state().uptimeSeconds).toBe(0)
    expect(ledger.find('proxy')).toEqual({
      service: 'proxy',
      pid: ready.pid,
      startedAt: (await processes.readIdentity(pidOf(ready)))?.startedAt,
      argv: [process.execPath, childProgram, '--port', String(port)],
      profile: 'test',
      spawnedAtMs: 1_002_000,
      logMark: logBeginning,
    })
    // The child has the log; the core keeps no file of it open.
    const isLog = (fd: number) => fstatSync(fd).ino === statSync(logPath).ino
    expect(opened).toHaveLength(1)
    for (const fd of opened) expect(() => expect(isLog(fd)).toBe(true)).toThrow()
    await supervisor.stop(5_000)
    expect(ledger.find('proxy')).toBeNull()
    expect(seen.map(({ phase, waitingFor, endpoint }) => [phase, waitingFor, endpoint !== null])).toEqual([
      ['starting', 'preparing', false],
      ['starting', 'its first answer', false],
      ['ready', null, true],
      ['stopping', 'the process to end', false],
      ['stopped', null, false],
    ])
  })

  it('of a long load, each news once', async () => {
    const { supervisor, seen } = supervise(oddService('--ready-after', '400'))
    await supervisor.start()
    expect(seen.map(({ phase, waitingFor }) => [phase, waitingFor])).toEqual([
      ['starting', 'preparing'],
      ['starting', 'its first answer'],
      ['starting', 'loading'],
      ['ready', null],
    ])
  })

  it('of a crash, and reads the log of that run', async () => {
    const { supervisor, seen, until, ledger, readMarks } = supervise(oddService('--crash-at-once'), {
      ...quickPolicy,
      delaysMs: [0, 60_000],
    })
    void supervisor.start()
    const waiting = await until((state) => state.restarts === 2)
    expect(waiting).toMatchObject({
      phase: 'starting',
      pid: null,
      reason: 'ended with 1: odd-child: cannot go on',
      waitingFor: 'a restart in 60.0 s',
    })
    expect(ledger.find('proxy')).toBeNull()
    const lineBytes = 'odd-child: cannot go on\n'.length
    expect(readMarks).toEqual([logBeginning, { ...logBeginning, offset: lineBytes }])
    // The pause before a restart keeps the reason in view.
    const at = seen.findIndex((state) => state.waitingFor === 'a restart in 0.0 s')
    expect(seen.slice(at).map(({ waitingFor }) => waitingFor)).not.toContain('preparing')
    // A start does not wait for the pause, nor does a stop.
    void supervisor.start()
    expect(await until((state) => state.phase === 'failed')).toMatchObject({ restarts: 2 })
    expect(await supervisor.stop(1_000)).toMatchObject({ phase: 'stopped' })
  })

  it('forgets earlier crashes when the user starts it again', async () => {
    const { supervisor, opened } = supervise(oddService('--crash-at-once'))
    for (const launches of [3, 6]) {
      expect(await supervisor.start()).toMatchObject({ phase: 'failed', restarts: 2 })
      expect(opened).toHaveLength(launches)
    }
  })
})

/** A service whose preparation takes until `prepared` is resolved. */
const preparedLater = () => {
  const service = oddService()
  const prepared = Promise.withResolvers<void>()
  const prepare = async () => {
    await prepared.promise
    return service.prepare()
  }
  return { service: { ...service, prepare }, prepared }
}

describe('a stop while it is starting', () => {
  it('spawns nothing when it comes during the preparation, and a start after it does', async () => {
    const { service, prepared } = preparedLater()
    const { supervisor, opened } = supervise(service)
    const started = supervisor.start()
    const stopped = supervisor.stop(1_000)
    // The overtaken start does not wait for the preparation.
    expect((await started).phase).toBe('starting')
    prepared.resolve()
    expect(await stopped).toMatchObject({ phase: 'stopped' })
    expect(opened).toEqual([])
    expect((await supervisor.start()).phase).toBe('ready')
  })

  it('does not wait for the answer to a probe', async () => {
    const asked = Promise.withResolvers<void>()
    const { supervisor, phases } = supervise({
      ...oddService(),
      probe: () => {
        asked.resolve()
        return new Promise(() => {})
      },
    })
    void supervisor.start()
    await asked.promise
    expect(await supervisor.stop(1_000)).toMatchObject({ phase: 'stopped' })
    expect(phases()).toEqual(['starting', 'starting', 'stopping', 'stopped'])
  })

  it('ends the pause before a restart', async () => {
    const { supervisor, until } = supervise(oddService('--crash-at-once'), {
      ...quickPolicy,
      delaysMs: [60_000],
    })
    const started = supervisor.start()
    await until((state) => state.restarts === 1)
    expect(await supervisor.stop(1_000)).toMatchObject({ phase: 'stopped', reason: null })
    expect((await started).phase).not.toBe('ready')
  })
})

describe('a port that is held', () => {
  const heldBy = (owner: ForeignProcess, argv: readonly string[] | null = null): ProcessTable => ({
    ...processes,
    readPortOwner: async () => owner,
    readArgv: async (pid) => (pid === owner.pid ? argv : null),
  })
  const stranger: ForeignProcess = { pid: process.pid, command: 'node', user: 'anna' }
  const reason = () =>
    `port ${port} of the Router is held by node (pid ${process.pid}, user anna), which Nexus did not start: stop it, or set proxy.port in the profile`

  it.each([
    ['cannot be looked at', null],
    ['runs other arguments', ['node', 'other.mjs']],
  ])('by a process that %s is a failure', async (_, argv) => {
    const { supervisor, opened } = supervise(oddService(), quickPolicy, heldBy(stranger, argv))
    expect(await supervisor.start()).toMatchObject({ phase: 'failed', reason: reason(), foreign: stranger })
    expect(opened).toEqual([])
  })

  it('says what to do about it where that is known', async () => {
    const asked: ForeignProcess[] = []
    let advice: string | null = 'or run: nexus up --replace-foreign'
    const { supervisor } = supervise(
      oddService(),
      quickPolicy,
      heldBy(stranger),
      openLedger(join(folder, 'ledger.json')),
      {
        describeForeign: async (owner) => {
          asked.push(owner)
          return advice
        },
      },
    )
    expect((await supervisor.start()).reason).toBe(`${reason()}; or run: nexus up --replace-foreign`)
    advice = null
    expect((await supervisor.start()).reason).toBe(reason())
    expect(asked).toEqual([stranger, stranger])
  })

  it('by an unknown process is a failure too', async () => {
    const unknown: ForeignProcess = { pid: null, command: null, user: null }
    const { supervisor } = supervise(oddService(), quickPolicy, {
      ...heldBy(unknown),
      // It would be taken for ours. No process has this pid: beyond the kernel's largest.
      readArgv: async () => (await oddService().prepare()).argv,
      readIdentity: async () => ({ pid: 2 ** 30, startedAt: 'now' }),
    })
    expect(await supervisor.start()).toMatchObject({
      phase: 'failed',
      pid: null,
      reason: expect.stringContaining('held by a process that this user may not look at, which'),
    })
  })
})

describe('start', () => {
  it('is ready only when the service says so, however long it loads', async () => {
    const { supervisor, seen } = supervise(oddService('--ready-after', '600'))
    const state = await supervisor.start()
    expect(state).toMatchObject({
      phase: 'ready',
      restarts: 0,
      adopted: false,
      endpoint: `http://127.0.0.1:${port}`,
    })
    expect(seen.some((early) => early.waitingFor === 'loading')).toBe(true)
  })

  it('is a no-op on a ready service, and two starts are one', async () => {
    const { supervisor } = supervise(oddService())
    const [first, second] = await Promise.all([supervisor.start(), supervisor.start()])
    const third = await supervisor.start()
    expect([second.pid, third.pid]).toEqual([first.pid, first.pid])
  })

  it('goes on loading when it is started again meanwhile, and is watched afterwards', async () => {
    const { supervisor, until } = supervise(oddService('--ready-after', '300'))
    void supervisor.start()
    const loading = await until((state) => state.waitingFor === 'loading')
    expect(await supervisor.start()).toMatchObject({ phase: 'ready', pid: loading.pid })
    process.kill(pidOf(loading), 'SIGKILL')
    await until((state) => state.restarts === 1)
  })

  it('fails with the reason when the program does not exist', async () => {
    const service = oddService()
    const { supervisor } = supervise({
      ...service,
      prepare: async () => ({ argv: ['/nonexistent/llama-server'], env: {}, cwd: folder }),
    })
    expect(await supervisor.start()).toMatchObject({
      phase: 'failed',
      reason: expect.stringContaining('could not start /nonexistent/llama-server'),
    })
  })

  it('fails with the reason when preparing throws, and starts again when that is mended', async () => {
    let mended = false
    const service = oddService()
    const { supervisor } = supervise({
      ...service,
      prepare: () => (mended ? service.prepare() : Promise.reject(new Error('the model file is missing'))),
    })
    expect(await supervisor.start()).toMatchObject({ phase: 'failed', reason: 'the model file is missing' })
    mended = true
    expect((await supervisor.start()).phase).toBe('ready')
  })

  it('names a stranger on the port and leaves it alone', async () => {
    const stranger = createServer()
    await new Promise<void>((resolve) => stranger.listen(port, '127.0.0.1', resolve))
    const { supervisor } = supervise(oddService())
    const state = await supervisor.start()
    expect(state).toMatchObject({ phase: 'failed', foreign: { pid: process.pid } })
    expect(state.reason).toContain(`port ${port} of the Router is held by`)
    expect(stranger.listening).toBe(true)
    await new Promise((resolve) => stranger.close(resolve))
  })
})

describe('flood', () => {
  it('of 100 MB is neither held up nor kept in memory', async () => {
    const { supervisor } = supervise(oddService('--flood'))
    const before = process.memoryUsage.rss()
    expect((await supervisor.start()).phase).toBe('ready')
    await expect
      .poll(() => statSync(join(folder, 'child.log')).size, { timeout: 15_000 })
      .toBeGreaterThan(100_000_000)
    expect((await supervisor.stop(2_000)).phase).toBe('stopped')
    expect(process.memoryUsage.rss() - before).toBeLessThan(60_000_000)
  })
})

describe('crash', () => {
  it('restarts after kill -9 with another process', async () => {
    const { supervisor, until } = supervise(oddService())
    const first = pidOf(await supervisor.start())
    process.kill(first, 'SIGKILL')
    // A reader in between must not see a ready service without a process.
    const seen = new Set<string>()
    const look = () => {
      const { phase, pid } = supervisor.state()
      seen.add(`${phase}, ${pid === null ? 'no process' : 'a process'}`)
      if (phase !== 'starting') setImmediate(look)
    }
    look()
    const again = await until((state) => state.phase === 'ready' && state.pid !== first)
    expect(again).toMatchObject({ restarts: 1 })
    expect([...seen]).toEqual(['ready, a process', 'starting, no process'])
  })

  it('gives up after a burst, with the last line of the log', async () => {
    const { supervisor } = supervise(oddService('--crash-at-once'))
    const state = await supervisor.start()
    expect(state.phase).toBe('failed')
    expect(state.reason).toBe('gave up after 3 crashes in 1 minutes: ended with 1: odd-child: cannot go on')
    expect(state.restarts).toBe(2)
  })

  it('counts a child that ended before its identity could be read', async () => {
    const table: ProcessTable = { ...processes, readIdentity: async () => null }
    const { supervisor, ledger } = supervise(oddService('--crash-at-once'), quickPolicy, table)
    expect(await supervisor.start()).toMatchObject({
      phase: 'failed',
      reason: 'gave up after 3 crashes in 1 minutes: ended with 1: odd-child: cannot go on',
    })
    expect(ledger.find('proxy')).toBeNull()
  })

  it('does not try again what cannot help', async () => {
    const { supervisor } = supervise(oddService('--crash-at-once', '--exit-code', '78'))
    expect(await supervisor.start()).toMatchObject({ phase: 'failed', restarts: 0 })
  })

  it('restarts a service that falls over later', async () => {
    const { supervisor, until } = supervise(oddService('--exit-after', '400'))
    await supervisor.start()
    expect(await until((state) => state.restarts === 1 && state.phase === 'ready')).toMatchObject({
      reason: null,
    })
  })

  it('ends what the dead process left in its group before it restarts', async () => {
    const { supervisor, until } = supervise(oddService('--grandchild'))
    const first = pidOf(await supervisor.start())
    expect(await processes.readGroupMembers(first)).toHaveLength(2)
    process.kill(first, 'SIGKILL')
    await until((state) => state.phase === 'ready' && state.pid !== first)
    expect(await processes.readGroupMembers(first)).toEqual([])
  })
})

describe('stop', () => {
  it('is clean, whatever exit code our own signal causes', async () => {
    const { supervisor, phases } = supervise(oddService('--stop-code', '1'))
    await supervisor.start()
    expect(await supervisor.stop(5_000)).toMatchObject({
      phase: 'stopped',
      pid: null,
      restarts: 0,
      reason: null,
    })
    expect(phases().slice(-2)).toEqual(['stopping', 'stopped'])
  })

  it('kills what ignores SIGTERM, grandchildren too', async () => {
    const { supervisor } = supervise(oddService('--ignore-term', '--grandchild'))
    const pid = pidOf(await supervisor.start())
    expect((await supervisor.stop(100)).phase).toBe('stopped')
    expect(await processes.readGroupMembers(pid)).toEqual([])
  })

  it('takes a death during the stop for a stop', async () => {
    const { supervisor } = supervise(oddService('--die-during-stop'))
    await supervisor.start()
    expect(await supervisor.stop(5_000)).toMatchObject({ phase: 'stopped', restarts: 0 })
  })

  it('cancels a start', async () => {
    const { supervisor, until } = supervise(oddService('--ready-after', '60000'))
    const started = supervisor.start()
    const pid = pidOf(await until((state) => state.pid !== null))
    await supervisor.stop(1_000)
    expect((await started).phase).not.toBe('ready')
    expect(await processes.readIdentity(pid)).toBeNull()
  })

  it('is hurried by a second stop with a shorter grace', async () => {
    const { supervisor } = supervise(oddService('--ignore-term'))
    await supervisor.start()
    const slow = supervisor.stop(600_000)
    const quick = await supervisor.stop(50)
    expect(quick.phase).toBe('stopped')
    expect((await slow).phase).toBe('stopped')
  })

  it('keeps the shorter grace of two that come at once, in either order', async () => {
    const { supervisor } = supervise(oddService('--ignore-term'))
    await supervisor.start()
    const stops = [supervisor.stop(50), supervisor.stop(600_000)]
    for (const { phase } of await Promise.all(stops)) expect(phase).toBe('stopped')
  })

  it('leaves no timer behind, which would keep the core from ending', async () => {
    const { supervisor } = supervise(oddService())
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      await supervisor.stop(600_000)
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })

  it('is hurried by a second one also when a start came in between', async () => {
    const { supervisor, until } = supervise(oddService('--ignore-term'))
    await supervisor.start()
    const slow = supervisor.stop(600_000)
    await until((state) => state.phase === 'stopping')
    void supervisor.start()
    expect((await supervisor.stop(50)).phase).toBe('stopped')
    await slow
  })

  it('has its own grace, whatever an earlier one had', async () => {
    const { supervisor, logPath } = supervise(oddService('--stop-takes', '150'))
    await supervisor.start()
    await supervisor.stop(0)
    await supervisor.start()
    expect(await supervisor.stop(60_000)).toMatchObject({ phase: 'stopped' })
    expect(readFileSync(logPath, 'utf8')).toContain('odd-child: ended as asked')
  })

  it('ends a process that ignores it though a start overtakes, and then that start goes on', async () => {
    const { supervisor, until, phases } = supervise(oddService('--ignore-term'))
    const first = pidOf(await supervisor.start())
    const stopped = supervisor.stop(200)
    await until((state) => state.phase === 'stopping')
    const again = await supervisor.start()
    expect(again).toMatchObject({ phase: 'ready', restarts: 0 })
    expect(again.pid).not.toBe(first)
    await stopped
    // It was never stopped: a watcher would tell its user so.
    expect(phases()).not.toContain('stopped')
  })

  it('is in the ledger until it is done, so that the next core finishes it', async () => {
    const { supervisor, until, ledger } = supervise(oddService('--ignore-term'))
    await supervisor.start()
    const stopped = supervisor.stop(100)
    await until((state) => state.phase === 'stopping')
    await expect.poll(() => ledger.find('proxy')?.ending, { interval: 1 }).toBe(true)
    await stopped
    expect(ledger.find('proxy')).toBeNull()
  })

  it('of a stopped service is done at once', async () => {
    const { supervisor, seen } = supervise(oddService())
    expect(await supervisor.stop(1_000)).toMatchObject({ phase: 'stopped' })
    expect(seen.map(({ phase }) => phase)).toEqual(['stopped'])
  })

  it('that is taken back at once changes nothing', async () => {
    const service = oddService()
    let probes = 0
    const { supervisor, seen } = supervise({
      ...service,
      probe: (signal) => {
        probes += 1
        return service.probe(signal)
      },
    })
    const { pid } = await supervisor.start()
    const before = { probes, states: seen.length }
    const stopped = supervisor.stop(1_000)
    expect(await supervisor.start()).toMatchObject({ phase: 'ready', pid })
    expect(await stopped).toMatchObject({ phase: 'ready', pid })
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    expect({ probes, states: seen.length }).toEqual(before)
  })

  it('that comes while the log of a crash is read is a stop', async () => {
    const asked = Promise.withResolvers<void>()
    const read = Promise.withResolvers<readonly string[]>()
    const { supervisor, phases } = supervise(
      oddService('--crash-at-once', '--exit-code', '78'),
      quickPolicy,
      processes,
      openLedger(join(folder, 'ledger.json')),
      {
        log: {
          open: () => ({ fd: openSync(join(folder, 'child.log'), 'a', 0o600), mark: logBeginning }),
          readSince: () => {
            asked.resolve()
            return read.promise
          },
        },
      },
    )
    void supervisor.start()
    await asked.promise
    const stopped = supervisor.stop(1_000)
    read.resolve(['odd-child: cannot go on'])
    expect(await stopped).toMatchObject({ phase: 'stopped', pid: null })
    expect(phases()).not.toContain('failed')
  })

  it('clears a failure', async () => {
    const { supervisor } = supervise(oddService('--crash-at-once', '--exit-code', '78'))
    await supervisor.start()
    expect(await supervisor.stop(1_000)).toMatchObject({ phase: 'stopped', reason: null })
  })
})

/**
 * A process that no signal ends stands for one in the kernel's hands. A real one cannot be made, so for a while the table
 * shows another process at its pid, which the supervisor rightly never signals.
 */
const createStuckTable = () => {
  const table = { isStuck: false, isSilent: false }
  const told: ProcessTable = {
    ...processes,
    readIdentity: async (pid) => {
      if (table.isSilent) throw new Error('ps did not answer within 10000 ms')
      return table.isStuck ? { pid, startedAt: 'another time' } : processes.readIdentity(pid)
    },
  }
  return { table, told }
}

/** Lets the grace and the 15 s after SIGKILL pass at once. */
const passKillDeadline = async <T>(settles: () => Promise<T>): Promise<T> => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const settling = settles()
    await vi.advanceTimersByTimeAsync(30_000)
    return await settling
  } finally {
    vi.useRealTimers()
  }
}

describe('a start after a stop that did not end the process', () => {
  const notEnded = (pid: number) => ({
    phase: 'failed',
    reason: `pid ${pid} did not end even after SIGKILL`,
    pid,
  })
  const startStuck = async () => {
    const { table, told } = createStuckTable()
    const supervised = supervise(oddService('--stop-takes', '100'), quickPolicy, told)
    const pid = pidOf(await supervised.supervisor.start())
    table.isStuck = true
    expect(await passKillDeadline(() => supervised.supervisor.stop(0))).toMatchObject(notEnded(pid))
    return { ...supervised, table, pid }
  }

  it('ends it first and then starts another', async () => {
    const { supervisor, table, pid, logPath } = await startStuck()
    table.isStuck = false
    const state = await supervisor.start()
    expect(state).toMatchObject({ phase: 'ready', restarts: 0, adopted: false })
    expect(state.pid).not.toBe(pid)
    expect(await processes.readIdentity(pid)).toBeNull()
    // In its own time: the start gives it a grace.
    expect(readFileSync(logPath, 'utf8')).toContain('odd-child: ended as asked')
  })

  it('starts at once when it has gone meanwhile', async () => {
    const { supervisor, table, pid } = await startStuck()
    process.kill(pid, 'SIGKILL')
    table.isStuck = false
    expect(await supervisor.start()).toMatchObject({ phase: 'ready', restarts: 0 })
  })

  it('fails again with the reason while it still does not end', async () => {
    const { supervisor, table, pid } = await startStuck()
    expect(await passKillDeadline(() => supervisor.start())).toMatchObject(notEnded(pid))
    table.isStuck = false
  })

  it('is not needed for another stop to end it', async () => {
    const { supervisor, table } = await startStuck()
    table.isStuck = false
    expect(await supervisor.stop(100)).toMatchObject({ phase: 'stopped', pid: null })
  })

  it('works where the stop could not look at it', async () => {
    const { table, told } = createStuckTable()
    const { supervisor } = supervise(oddService(), quickPolicy, told)
    const pid = pidOf(await supervisor.start())
    table.isSilent = true
    expect(await supervisor.stop(0)).toMatchObject({ phase: 'failed', pid })
    table.isSilent = false
    const state = await supervisor.start()
    expect(state.phase).toBe('ready')
    expect(state.pid).not.toBe(pid)
  })

  it('by the next core is the same: what was to end is never taken over', async () => {
    const { supervisor: earlier, table, pid } = await startStuck()
    earlier.close()
    table.isStuck = false
    const { supervisor } = supervise(oddService())
    expect(await supervisor.adopt()).toBe(false)
    expect(supervisor.state().phase).toBe('stopping')
    const state = await supervisor.start()
    expect(state).toMatchObject({ phase: 'ready', restarts: 0, adopted: false })
    expect(state.pid).not.toBe(pid)
  })
})

describe('a stop that the earlier core began', () => {
  it('ends with SIGKILL after 5 s', async () => {
    const { supervisor: earlier, ledger } = supervise(oddService('--ignore-term'))
    const pid = pidOf(await earlier.start())
    void earlier.stop(600_000)
    await expect.poll(() => ledger.find('proxy')?.ending, { interval: 1 }).toBe(true)
    earlier.close()
    const { supervisor, seen, until } = supervise(oddService())
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], shouldAdvanceTime: true })
    try {
      expect(await supervisor.adopt()).toBe(false)
      expect(seen.map(({ phase, waitingFor }) => [phase, waitingFor])).toEqual([
        ['stopping', 'the process to end'],
      ])
      vi.advanceTimersByTime(5_000)
      await until((state) => state.phase === 'stopped')
    } finally {
      vi.useRealTimers()
    }
    expect(await processes.readIdentity(pid)).toBeNull()
  })
})

describe('a group of which some survive', () => {
  /** Lets 20 s pass, in which real processes can end too. */
  const passDeadlines = async <T>(settles: () => Promise<T>): Promise<T> => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    try {
      let isSettled = false
      const settling = settles().finally(() => {
        isSettled = true
      })
      while (!isSettled) {
        await vi.advanceTimersByTimeAsync(20)
        await pause(1)
      }
      return await settling
    } finally {
      vi.useRealTimers()
    }
  }
  const superviseSurvivors = () => {
    const world = { left: [111, 222] }
    const table: ProcessTable = { ...processes, readGroupMembers: async () => world.left }
    return { ...supervise(oddService(), quickPolicy, table), world }
  }
  const reason = 'pid 111, 222 did not end even after SIGKILL'

  it('fails a stop', async () => {
    const { supervisor, ledger, world } = superviseSurvivors()
    await supervisor.start()
    expect(await passDeadlines(() => supervisor.stop(60_000))).toMatchObject({ phase: 'failed', reason })
    expect(ledger.find('proxy')?.ending).toBe(true)
    world.left = []
    expect(await supervisor.stop(0)).toMatchObject({ phase: 'stopped', reason: null })
  })

  it('is not joined by a restart after a crash', async () => {
    const { supervisor, until, world } = superviseSurvivors()
    const first = pidOf(await supervisor.start())
    process.kill(first, 'SIGKILL')
    const failed = await passDeadlines(() => until((state) => state.phase === 'failed'))
    expect(failed).toMatchObject({ reason, pid: null, restarts: 0 })
    world.left = []
    expect(await supervisor.start()).toMatchObject({ phase: 'ready', restarts: 0 })
  })
})

describe('a start after a failure that left the process running', () => {
  it('asks it again', async () => {
    let isBroken = true
    const service = oddService()
    const { supervisor, seen } = supervise({
      ...service,
      probe: (signal) => (isBroken ? Promise.reject(new Error('no file left')) : service.probe(signal)),
    })
    const failed = await supervisor.start()
    expect(failed).toMatchObject({ phase: 'failed', reason: 'no file left' })
    isBroken = false
    expect(await supervisor.start()).toMatchObject({ phase: 'ready', pid: pidOf(failed) })
    expect(seen.slice(-2).map(({ waitingFor }) => waitingFor)).toEqual(['its first answer', null])
  })
})

describe('a long load', () => {
  it('keeps nothing of the answers to its probes', async () => {
    setFlagsFromString('--expose-gc')
    const collectGarbage: () => void = runInNewContext('gc')
    const service = oddService('--ready-after', '60000')
    const answers: WeakRef<object>[] = []
    const asked = Promise.withResolvers<void>()
    const { supervisor } = supervise({
      ...service,
      probe: async () => {
        const answer = { state: 'loading', detail: 'loading the model' } as const
        answers.push(new WeakRef(answer))
        if (answers.length === 20) asked.resolve()
        return answer
      },
    })
    void supervisor.start()
    await asked.promise
    // A WeakRef holds its target until the turn in which it was made is over.
    await new Promise((resolve) => setImmediate(resolve))
    collectGarbage()
    const kept = answers.filter((answer) => answer.deref() !== undefined)
    expect(kept.length).toBeLessThan(5)
  })
})

describe('storm', () => {
  it('ends where the last order points, with one process', async () => {
    const { supervisor } = supervise(oddService('--stop-takes', '30'))
    for (let round = 0; round < 12; round += 1) {
      void supervisor.start()
      void supervisor.stop(1_000)
    }
    const last = await supervisor.start()
    expect(last.phase).toBe('ready')
    expect(await processes.readPortOwner(port)).toMatchObject({ pid: last.pid })
    await supervisor.stop(1_000)
    expect(await processes.readPortOwner(port)).toBeNull()
  })
})

describe('adoption', () => {
  it('takes over what an earlier core left, sees its crash, and stops it', async () => {
    const service = oddService()
    const earlier = supervise(service)
    const first = pidOf(await earlier.supervisor.start())
    earlier.supervisor.close()

    const { supervisor, until } = supervise(service)
    expect(await supervisor.adopt()).toBe(true)
    expect(await until((state) => state.phase === 'ready')).toMatchObject({ pid: first, adopted: true })
    process.kill(first, 'SIGKILL')
    const replaced = await until((state) => state.phase === 'ready' && state.pid !== first)
    expect(replaced).toMatchObject({ adopted: false, restarts: 1 })
  })

  it('recognises its own child by its command line when the ledger was lost', async () => {
    const service = oddService()
    const earlier = supervise(service)
    const first = pidOf(await earlier.supervisor.start())
    earlier.supervisor.close()
    rmSync(join(folder, 'ledger.json'))

    const { supervisor } = supervise(service)
    expect(await supervisor.adopt()).toBe(false)
    expect(await supervisor.start()).toMatchObject({ phase: 'ready', pid: first, adopted: true })
  })

  it('never takes a reused pid for its child', async () => {
    const ledger = openLedger(join(folder, 'ledger.json'))
    ledger.record({
      service: 'proxy',
      pid: process.pid,
      startedAt: 'another start time',
      argv: ['x'],
      profile: 'test',
      spawnedAtMs: 0,
      logMark: logBeginning,
    })
    const { supervisor } = supervise(oddService())
    expect(await supervisor.adopt()).toBe(false)
    expect(supervisor.state()).toMatchObject({ phase: 'stopped', pid: null })
  })
})

describe('adoption without need', () => {
  it('changes nothing of a running child, and finds none where there was none', async () => {
    const { supervisor, seen } = supervise(oddService())
    expect(await supervisor.adopt()).toBe(false)
    expect(seen).toEqual([])
    const ready = await supervisor.start()
    expect(await supervisor.adopt()).toBe(true)
    expect(supervisor.state()).toMatchObject({ phase: 'ready', pid: ready.pid, adopted: false })
  })

  it('knows since when the child runs, and where its log began', async () => {
    const service = oddService()
    const earlier = supervise(service)
    const first = pidOf(await earlier.supervisor.start())
    earlier.supervisor.close()
    const ledger = openLedger(join(folder, 'ledger.json'))
    const entry = ledger.find('proxy')
    if (entry === null) throw new Error('the earlier supervisor wrote nothing down')
    const logMark = { previous: 3, offset: 42 }
    ledger.record({ ...entry, spawnedAtMs: Date.now() - 100_000, logMark })
    const { supervisor, seen, until, readMarks } = supervise(service, quickPolicy, processes, ledger)
    await supervisor.adopt()
    expect(await until((state) => state.phase === 'ready')).toMatchObject({ adopted: true, pid: first })
    expect(Math.round((supervisor.state().uptimeSeconds ?? 0) / 100)).toBe(1)
    expect(seen.map(({ phase, waitingFor }) => [phase, waitingFor])).toEqual([
      ['starting', 'its first answer'],
      ['ready', null],
    ])
    process.kill(first, 'SIGKILL')
    await until((state) => state.restarts === 1)
    expect(readMarks).toEqual([logMark])
  })

  it('forgets a process that has ended meanwhile', async () => {
    const earlier = supervise(oddService())
    const first = pidOf(await earlier.supervisor.start())
    earlier.supervisor.close()
    process.kill(first, 'SIGKILL')
    await expect.poll(() => processes.readIdentity(first)).toBeNull()
    const { supervisor, ledger } = supervise(oddService())
    expect(await supervisor.adopt()).toBe(false)
    expect(ledger.find('proxy')).toBeNull()
    expect(supervisor.state()).toMatchObject({ phase: 'stopped', pid: null })
  })
})

describe('a supervisor that was let go', () => {
  it('leaves its child running and takes no more orders', async () => {
    const { supervisor, seen, ledger } = supervise(oddService())
    const ready = await supervisor.start()
    const pid = pidOf(ready)
    const states = seen.length
    supervisor.close()
    expect(await supervisor.stop(0)).toMatchObject({ phase: 'ready', pid })
    expect(await supervisor.start()).toMatchObject({ phase: 'ready', pid })
    supervisor.reportHealth({ state: 'unreachable', detail: 'no answer' })
    supervisor.reportHealth({ state: 'unreachable', detail: 'no answer' })
    expect(supervisor.state().phase).toBe('ready')
    expect(seen).toHaveLength(states)
    expect(await processes.readIdentity(pid)).not.toBeNull()
    expect(ledger.find('proxy')?.pid).toBe(pid)
    // The next supervisor takes it over and ends it.
    const next = supervise(oddService())
    expect(await next.supervisor.adopt()).toBe(true)
  })

  it('takes none when it never ran either', async () => {
    const service = oddService()
    let preparations = 0
    const prepare = () => {
      preparations += 1
      return service.prepare()
    }
    const { supervisor } = supervise({ ...service, prepare })
    supervisor.close()
    expect(await supervisor.start()).toMatchObject({ phase: 'stopped' })
    expect(preparations).toBe(0)
  })

  it('asks a child that loads no more', async () => {
    const service = oddService('--ready-after', '600000')
    let probes = 0
    const probe: ChildService['probe'] = (signal) => {
      probes += 1
      return service.probe(signal)
    }
    const { supervisor, until } = supervise({ ...service, probe })
    void supervisor.start()
    await until((state) => state.waitingFor === 'loading')
    supervisor.close()
    const before = probes
    // Four times as long as between two probes.
    await pause(200)
    expect(probes).toBe(before)
  })

  it('leaves the entry of the next child alone when its own stop ends late', async () => {
    const ended = Promise.withResolvers<void>()
    const table: ProcessTable = {
      ...processes,
      readGroupMembers: async () => {
        ended.resolve()
        return []
      },
    }
    const { supervisor, until, ledger } = supervise(oddService('--stop-takes', '100'), quickPolicy, table)
    await supervisor.start()
    void supervisor.stop(5_000)
    await until((state) => state.phase === 'stopping')
    await expect.poll(() => ledger.find('proxy')?.ending, { interval: 1 }).toBe(true)
    supervisor.close()
    const own = ledger.find('proxy')
    if (own === null) throw new Error('the stop forgot its process before that had ended')
    const ofTheNext: LedgerEntry = { ...own, pid: process.pid, startedAt: 'now' }
    ledger.record(ofTheNext)
    await ended.promise
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    expect(ledger.find('proxy')).toEqual(ofTheNext)
  })

  it('spawns nothing when it was let go during the preparation', async () => {
    const { service, prepared } = preparedLater()
    const { supervisor, opened } = supervise(service)
    void supervisor.start()
    supervisor.close()
    prepared.resolve()
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    expect(opened).toEqual([])
  })

  it('writes nothing down any more, whatever it still hears of its child', async () => {
    const ledger = openLedger(join(folder, 'ledger.json'))
    const ofTheNext: LedgerEntry = {
      service: 'proxy',
      pid: process.pid,
      startedAt: 'now',
      argv: ['x'],
      profile: 'test',
      spawnedAtMs: 0,
      logMark: logBeginning,
    }
    const seen = Promise.withResolvers<void>()
    let isTaken = false
    const table: ProcessTable = {
      ...processes,
      readGroupMembers: async () => {
        if (isTaken) return []
        isTaken = true
        // The child has just ended, and another profile's services take over.
        supervisor.close()
        ledger.record(ofTheNext)
        seen.resolve()
        return []
      },
    }
    const { supervisor } = supervise(oddService(), quickPolicy, table, ledger)
    process.kill(pidOf(await supervisor.start()), 'SIGKILL')
    await seen.promise
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    expect(ledger.find('proxy')).toEqual(ofTheNext)
  })
})

describe('health', () => {
  it('looks at once whether an adopted one has ended that does not answer', async () => {
    const { supervisor: earlier } = supervise(oddService())
    const first = pidOf(await earlier.start())
    earlier.close()
    // As on macOS, where kill(2) is believed for 5 s; to it a zombie is there.
    let isZombie = false
    const looks: string[] = []
    const table: ProcessTable = {
      ...processes,
      identityCost: 'program',
      readIdentity: async (pid) => {
        if (pid === first) looks.push('identity')
        return isZombie && pid === first ? null : processes.readIdentity(pid)
      },
    }
    const kill = vi.spyOn(process, 'kill').mockImplementation((pid, signal) => {
      if (pid === first && signal === 0) looks.push('kill')
      return realKill(pid, signal)
    })
    const { supervisor, until } = supervise(oddService(), quickPolicy, table)
    expect(await supervisor.adopt()).toBe(true)
    await until((state) => state.phase === 'ready')
    vi.useFakeTimers({ toFake: ['performance'] })
    try {
      looks.length = 0
      supervisor.reportHealth({ state: 'ready' })
      await expect.poll(() => looks[0], { timeout: 10_000 }).toBe('kill')
      isZombie = true
      supervisor.reportHealth({ state: 'unreachable', detail: 'connection refused' })
      expect(await until((state) => state.phase === 'starting')).toMatchObject({ restarts: 1 })
    } finally {
      vi.useRealTimers()
      kill.mockRestore()
    }
  })

  it('is degraded after two misses and ready again after one answer, without a kill', async () => {
    const { supervisor } = supervise(oddService())
    const { pid } = await supervisor.start()
    supervisor.reportHealth({ state: 'unreachable', detail: 'no answer in 3 s' })
    expect(supervisor.state().phase).toBe('ready')
    supervisor.reportHealth({ state: 'unreachable', detail: 'no answer in 3 s' })
    expect(supervisor.state()).toMatchObject({ phase: 'degraded', reason: 'no answer in 3 s', pid })
    supervisor.reportHealth({ state: 'ready' })
    expect(supervisor.state()).toMatchObject({ phase: 'ready', reason: null, pid })
  })

  it('counts misses in a row, of a run that serves', async () => {
    const { supervisor, until, seen } = supervise(oddService())
    const miss = (detail = 'no answer in 3 s') => supervisor.reportHealth({ state: 'unreachable', detail })
    for (const _ of [1, 2, 3]) miss()
    expect(supervisor.state()).toMatchObject({ phase: 'stopped', reason: null })
    const first = pidOf(await supervisor.start())
    miss()
    supervisor.reportHealth({ state: 'ready' })
    miss()
    expect(supervisor.state().phase).toBe('ready')
    process.kill(first, 'SIGKILL')
    await until((state) => state.phase === 'ready' && state.pid !== first)
    miss()
    expect(supervisor.state().phase).toBe('ready')
    const before = seen.length
    supervisor.reportHealth({ state: 'loading', detail: 'loading the model' })
    expect(supervisor.state()).toMatchObject({ phase: 'degraded', reason: 'loading the model' })
    supervisor.reportHealth({ state: 'loading', detail: 'loading the model' })
    expect(seen).toHaveLength(before + 1)
    miss('connection refused')
    expect(supervisor.state()).toMatchObject({ phase: 'degraded', reason: 'connection refused' })
    supervisor.reportHealth({ state: 'ready' })
    supervisor.reportHealth({ state: 'ready' })
    expect(seen).toHaveLength(before + 3)
  })
})
