// Notices as a table of what happens second by second: held long enough, told once, over when it is over, never a storm.
import { describe, expect, it } from 'vitest'
import type { Config } from '../../contract/config.ts'
import { type Notice, NoticeSchema } from '../../contract/notice.ts'
import type { Memory, Queue, RouterRequest, ServiceState, Slot, Snapshot } from '../../contract/snapshot.ts'
import { sampleSlot, sampleSnapshot } from '../../contract/test-support/sample-snapshot.ts'
import { foldNotices, isQuiet, minuteOfDay, noNotices, raiseGapMs, unknownMs } from './notices.ts'

/** Noon, local time. */
const start = new Date(2026, 0, 5, 12, 0).getTime()
const always: Config['notifications'] = { enabled: true, quietHours: null }

const slot = (phase: Slot['phase'], id = 0): Slot => ({ ...sampleSlot, id, phase })
const full = [slot('generating', 0), slot('prefill', 1)]
const free = [slot('generating', 0), slot('idle', 1)]

const memory = (change: Partial<Memory>): Memory => ({
  totalBytes: 256e9,
  usedBytes: 200e9,
  availableBytes: 20e9,
  wiredBytes: null,
  compressedBytes: null,
  swapUsedBytes: 3e9,
  swapOutBytesPerSecond: 0,
  pressure: 'normal',
  gpuLimitBytes: null,
  cpuPercent: null,
  ...change,
})

const forge = (usedShare: number | null, mounted = true): Snapshot['ramDisk'] => ({
  mountPoint: '/Volumes/OptaBuilds',
  mounted,
  kind: 'tmpfs',
  totalBytes: 1000,
  usedBytes: usedShare === null ? null : usedShare * 1000,
})

const waiting = (developer: string, startedAt: number): RouterRequest => ({
  id: developer,
  developer,
  phase: 'waiting',
  startedAt,
  admittedAt: null,
  firstTokenAt: null,
  promptTokens: null,
  outputTokens: null,
  node: null,
})

const service = (
  id: 'llamaServer' | 'proxy' | 'ramDisk',
  change: Partial<ServiceState>,
): Pick<Snapshot, 'services'> => ({
  services: { ...sampleSnapshot.services, [id]: { ...sampleSnapshot.services[id], ...change } },
})

/** A world that is looked at; each look says what is different from then on. */
const createWorld = (settings: Config['notifications'] = always) => {
  let state = noNotices
  let now: Snapshot = { ...sampleSnapshot, takenAt: start }
  let notices: readonly Notice[] = []
  return {
    /** Seconds since the start. */
    look: (
      second: number,
      change: Partial<Snapshot> = {},
      { slotsReadAt = second, changed = settings } = {},
    ): readonly Notice[] => {
      now = { ...now, ...change, takenAt: start + second * 1000 }
      const folded = foldNotices(state, now, start + slotsReadAt * 1000, changed)
      state = folded.state
      notices = folded.notices
      for (const notice of notices) expect(NoticeSchema.parse(notice)).toEqual(notice)
      return notices
    },
    /** Looks every second from `from` to `to`, both included. */
    watch: (from: number, to: number, change: Partial<Snapshot> = {}): readonly Notice[] => {
      now = { ...now, ...change }
      for (let second = from; second <= to; second += 1) {
        now = { ...now, takenAt: start + second * 1000 }
        const folded = foldNotices(state, now, now.takenAt, settings)
        state = folded.state
        notices = folded.notices
      }
      return notices
    },
  }
}

const ids = (notices: readonly Notice[]) => notices.map(({ id }) => id)
const raised = (notices: readonly Notice[]) => notices.filter(({ raise }) => raise).map(({ id }) => id)

describe('all slots full', () => {
  it('is shown after 10 s, with the waiting requests, and goes when a slot is free', () => {
    const world = createWorld()
    const queue = (deferred: number): Queue => ({ processing: 2, deferred })
    expect(world.watch(0, 9, { slots: full, queue: queue(0) })).toEqual([])
    expect(world.look(10)).toMatchObject([
      { id: 'slots-full', since: start, severity: 'warning', title: 'All 2 slots are busy', raise: true },
    ])
    expect(world.look(11)[0]?.body).toBe('One more agent would have to wait.')
    expect(world.look(12, { queue: queue(2) })[0]?.body).toBe(
      '2 requests wait; one more agent waits behind them.',
    )
    expect(ids(world.watch(13, 16, { slots: free, queue: queue(0) }))).toEqual(['slots-full'])
    expect(world.look(17)).toEqual([])
  })

  it('is not shown from one look, however long ago', () => {
    const world = createWorld()
    world.look(0, { slots: full })
    expect(world.look(5, { slots: free })).toEqual([])
    expect(world.look(30, { slots: full })).toEqual([])
    expect(world.look(40)).toHaveLength(1)
  })

  it('is not shown from one answer that is held while the next is due', () => {
    const world = createWorld()
    for (let second = 0; second <= 20; second += 1)
      expect(world.look(second, { slots: full }, { slotsReadAt: 0 })).toEqual([])
    expect(ids(world.look(21, {}, { slotsReadAt: 21 }))).toEqual(['slots-full'])
  })

  it('is shown at the idle pace too', () => {
    const world = createWorld()
    expect(world.look(0, { slots: full })).toEqual([])
    expect(world.look(5)).toEqual([])
    expect(ids(world.look(10))).toEqual(['slots-full'])
  })

  it('starts over when a slot was free before it was shown', () => {
    const world = createWorld()
    world.watch(0, 8, { slots: full })
    world.look(9, { slots: free })
    expect(world.watch(10, 19, { slots: full })).toEqual([])
    expect(world.look(20)).toMatchObject([{ since: start + 10_000 }])
  })

  it('that flickers is one notice, raised once', () => {
    const world = createWorld()
    world.watch(0, 10, { slots: full })
    const occurrences = new Set<number>()
    for (let second = 11; second < 300; second += 1) {
      const notices = world.look(second, { slots: second % 4 === 0 ? free : full })
      expect(raised(notices)).toEqual(['slots-full'])
      for (const { since } of notices) occurrences.add(since)
    }
    expect([...occurrences]).toEqual([start])
  })

  it('that comes back soon is shown, but raised again only after a while', () => {
    const world = createWorld()
    expect(raised(world.watch(0, 10, { slots: full }))).toEqual(['slots-full'])
    expect(world.watch(11, 20, { slots: free })).toEqual([])
    const back = world.watch(21, 60, { slots: full })
    expect([ids(back), raised(back)]).toEqual([['slots-full'], []])
    world.watch(61, 70, { slots: free })
    const later = 10 + raiseGapMs / 1000
    expect(raised(world.watch(later, later + 10, { slots: full }))).toEqual(['slots-full'])
  })

  it('that goes on is raised when the gap is over: it was never raised in this occurrence', () => {
    const world = createWorld()
    world.watch(0, 10, { slots: full })
    world.watch(11, 20, { slots: free })
    const gapOver = 10 + raiseGapMs / 1000
    expect(raised(world.watch(21, gapOver - 1, { slots: full }))).toEqual([])
    expect(raised(world.look(gapOver))).toEqual(['slots-full'])
  })

  it('stays while the slots are unknown for a moment, not for long', () => {
    const world = createWorld()
    world.watch(0, 10, { slots: full })
    expect(ids(world.watch(11, 30, { slots: null }))).toEqual(['slots-full'])
    expect(world.look(10 + unknownMs / 1000)).toEqual([])
  })

  it('goes with the server', () => {
    const world = createWorld()
    world.watch(0, 10, { slots: full })
    expect(ids(world.look(16, { slots: null, ...service('llamaServer', { phase: 'stopped' }) }))).toEqual([])
  })

  it('is not so while another Studio has a free one', () => {
    const node = { name: 'b', endpoint: 'http://b:8080', phase: 'ready', reason: null, queue: null } as const
    const world = createWorld()
    expect(world.watch(0, 30, { slots: full, nodes: [{ ...node, slots: [slot('idle')] }] })).toEqual([])
    const notices = world.watch(31, 41, { nodes: [{ ...node, phase: 'unreachable', slots: null }] })
    expect(ids(notices)).toEqual(['slots-full'])
  })

  it('holds with a free slot while a request waits for room in the pool', () => {
    const requests = [waiting('anna', start)]
    expect(createWorld().watch(0, 10, { slots: free, requests })).toMatchObject([
      { id: 'slots-full', title: 'No room for another agent' },
    ])
  })

  it('is no news of a server without slots', () => {
    expect(createWorld().watch(0, 30, { slots: [] })).toEqual([])
  })
})

describe('waiting', () => {
  it('of one request is shown by name after a minute', () => {
    const world = createWorld()
    expect(world.look(59, { requests: [waiting('anna', start)] })).toEqual([])
    expect(world.look(61)).toMatchObject([
      { id: 'request-waits', body: 'anna has been waiting for 1 min 1 s.', raise: true },
    ])
    expect(world.look(62, { requests: [] })).toEqual([])
  })

  it('that is unknown for a moment is not over, and is with the Router', () => {
    const world = createWorld()
    world.look(61, { requests: [waiting('anna', start)] })
    expect(ids(world.watch(62, 80, { requests: null }))).toEqual(['request-waits'])
    expect(world.look(61 + unknownMs / 1000)).toEqual([])
    const other = createWorld()
    other.look(61, { requests: [waiting('anna', start)] })
    expect(ids(other.look(62, { requests: null, ...service('proxy', { phase: 'stopped' }) }))).toEqual([])
  })

  it('names the longest waiter', () => {
    const requests = [waiting('ben', start + 10_000), waiting('anna', start)]
    expect(createWorld().look(75, { requests })[0]?.body).toContain('anna')
  })

  it('is llama-server’s count where the Router does not tell', () => {
    const world = createWorld()
    const queue = { processing: 4, deferred: 1 }
    expect(world.watch(0, 59, { requests: null, queue })).toEqual([])
    expect(ids(world.look(60))).toEqual(['queue-waits'])
    expect(world.look(61, { queue: { processing: 4, deferred: 0 } })).toEqual([])
  })

  it('that ends in between is no long wait', () => {
    const world = createWorld()
    for (let second = 0; second < 200; second += 1) {
      const deferred = second % 30 === 0 ? 0 : 2
      expect(world.look(second, { requests: null, queue: { processing: 4, deferred } })).toEqual([])
    }
  })
})

describe('a server that crashes', () => {
  it('is shown with the reason, then as recovered for a while', () => {
    const world = createWorld()
    world.look(0)
    const crash = { phase: 'starting', restarts: 1, reason: 'ended by SIGKILL.' } as const
    expect(world.look(1, service('llamaServer', crash))).toMatchObject([
      {
        id: 'crashed-llamaServer',
        severity: 'critical',
        title: 'AI Engine crashed',
        body: 'ended by SIGKILL. It is restarting.',
        view: { id: 'logs', service: 'llamaServer' },
        raise: true,
      },
    ])
    // While it loads it does not say the reason any more.
    expect(ids(world.look(2, service('llamaServer', { ...crash, reason: null })))).toEqual([
      'crashed-llamaServer',
    ])
    expect(world.look(3, service('llamaServer', { phase: 'ready', restarts: 1 }))).toMatchObject([
      { id: 'recovered-llamaServer', severity: 'info', raise: true },
    ])
    expect(ids(world.look(122))).toEqual(['recovered-llamaServer'])
    expect(world.look(123)).toEqual([])
  })

  it('again and again is raised once, until it is given up', () => {
    const world = createWorld()
    world.look(0)
    const raisedIds: string[] = []
    for (let crashes = 1; crashes <= 4; crashes += 1) {
      const second = crashes * 20
      raisedIds.push(
        ...raised(world.look(second, service('proxy', { phase: 'starting', restarts: crashes }))),
      )
      const recovered = world.look(second + 5, service('proxy', { phase: 'ready', restarts: crashes }))
      expect(ids(recovered)).toEqual(['recovered-proxy'])
      raisedIds.push(...raised(recovered))
    }
    expect(raisedIds).toEqual(['crashed-proxy', 'recovered-proxy'])
    const given = world.look(
      100,
      service('proxy', { phase: 'failed', restarts: 4, reason: 'gave up after 5 crashes' }),
    )
    expect(given).toMatchObject([
      {
        id: 'failed-proxy',
        title: 'Router crashed and stays down',
        body: 'gave up after 5 crashes',
        raise: true,
      },
    ])
  })

  it('before this core looked is not its news', () => {
    expect(createWorld().look(0, service('proxy', { phase: 'ready', restarts: 3 }))).toEqual([])
  })

  it('and is stopped is no longer shown', () => {
    const world = createWorld()
    world.look(0)
    world.look(1, service('proxy', { phase: 'starting', restarts: 1 }))
    expect(world.look(2, service('proxy', { phase: 'stopping', restarts: 1 }))).toEqual([])
    expect(world.look(3, service('proxy', { phase: 'ready', restarts: 0 }))).toEqual([])
  })
})

describe('a service that', () => {
  it.each([
    ['llamaServer', { phase: 'failed', reason: 'the model is missing' }, 'failed-llamaServer', 'logs'],
    ['ramDisk', { phase: 'failed', reason: 'a folder is in the way' }, 'failed-ramDisk', 'doctor'],
  ] as const)('cannot start is critical: %s', (id, change, expected, view) => {
    expect(createWorld().look(0, service(id, change))).toMatchObject([
      { id: expected, severity: 'critical', body: change.reason, view: { id: view } },
    ])
  })

  it('does not answer is shown after some seconds, not at once', () => {
    const world = createWorld()
    const change = service('proxy', { phase: 'degraded', reason: 'no answer in 3 s' })
    expect(world.watch(0, 4, change)).toEqual([])
    expect(world.look(5)).toMatchObject([{ id: 'degraded-proxy', body: 'no answer in 3 s' }])
  })

  it('answers, but no message comes back', () => {
    expect(createWorld().look(0, { proofFailure: 'HTTP 500' })).toMatchObject([
      { id: 'claude-unanswered', severity: 'critical', body: 'HTTP 500' },
    ])
  })
})

describe('ready', () => {
  it('is shown once for a start, and goes by itself', () => {
    const world = createWorld()
    world.look(0, { overall: 'stopped' })
    expect(world.watch(1, 20, { overall: 'starting' })).toEqual([])
    expect(world.look(21, { overall: 'ready' })).toMatchObject([
      { id: 'stack-ready', severity: 'info', raise: true },
    ])
    expect(ids(world.look(80))).toEqual(['stack-ready'])
    expect(world.look(81)).toEqual([])
  })

  it('is also shown when the disk is mounted only after the first request was answered', () => {
    const world = createWorld()
    world.look(0, { overall: 'stopped' })
    world.look(1, { overall: 'starting', ...service('ramDisk', { phase: 'starting' }) })
    expect(ids(world.watch(2, 5, { overall: 'degraded' }))).not.toContain('stack-ready')
    const ready = world.look(6, { overall: 'ready', services: sampleSnapshot.services })
    expect(ids(ready)).toContain('stack-ready')
    world.look(7, { overall: 'degraded', ...service('ramDisk', { phase: 'failed' }) })
    world.look(90)
    expect(ids(world.look(91, { overall: 'ready', services: sampleSnapshot.services }))).not.toContain(
      'stack-ready',
    )
  })

  it.each([
    ['after a crash', { restarts: 1 }],
    ['of what was taken over', { adopted: true }],
  ])('is no news %s', (_, change) => {
    const world = createWorld()
    const services = {
      ...sampleSnapshot.services,
      llamaServer: { ...sampleSnapshot.services.llamaServer, ...change },
      proxy: { ...sampleSnapshot.services.proxy, ...change },
    }
    world.look(0, { overall: 'starting', services })
    expect(world.look(1, { overall: 'ready' })).toEqual([])
  })

  it('is no news of a stack that was only degraded', () => {
    const world = createWorld()
    world.look(0, { overall: 'degraded' })
    expect(world.look(1, { overall: 'ready' })).toEqual([])
  })
})

describe('the forge', () => {
  it('is full from 90 % and roomy below 85 %', () => {
    const world = createWorld()
    expect(world.watch(0, 5, { ramDisk: forge(0.89) })).toEqual([])
    expect(world.watch(6, 8, { ramDisk: forge(0.91) })).toMatchObject([
      { id: 'forge-full', title: 'Build Forge is 91 % full', severity: 'warning' },
    ])
    expect(ids(world.watch(9, 60, { ramDisk: forge(0.86) }))).toEqual(['forge-full'])
    expect(world.watch(61, 66, { ramDisk: forge(0.84) })).toEqual([])
    expect(world.watch(67, 90, { ramDisk: forge(0.86) })).toEqual([])
  })

  it('is critical when nearly nothing is left', () => {
    expect(createWorld().watch(0, 5, { ramDisk: forge(0.99) })).toMatchObject([{ severity: 'critical' }])
  })

  it.each([
    ['not mounted', forge(0.99, false)],
    ['of unknown use', forge(null)],
    ['not read', null],
  ])('is no news when %s', (_, ramDisk) => {
    expect(createWorld().watch(0, 60, { ramDisk })).toEqual([])
  })
})

describe('memory', () => {
  it('that swaps out for several looks is shown, and is over after a minute of rest', () => {
    const world = createWorld()
    expect(world.watch(0, 9, { memory: memory({ swapOutBytesPerSecond: 5e6 }) })).toEqual([])
    expect(world.look(10)).toMatchObject([
      { id: 'swap-growing', body: expect.stringContaining('5 MiB per second') },
    ])
    expect(ids(world.watch(11, 60, { memory: memory({}) }))).toEqual(['swap-growing'])
    const untold = createWorld().watch(0, 11, {
      memory: memory({ swapOutBytesPerSecond: 5e6, swapUsedBytes: null }),
    })
    expect(untold).toMatchObject([{ body: '5 MiB per second: the model and builds slow down.' }])
    expect(world.watch(61, 71)).toEqual([])
  })

  it('that swaps a little, or once, is no news', () => {
    const world = createWorld()
    for (let second = 0; second < 100; second += 1) {
      const rate = second % 10 === 0 ? 50e6 : 100_000
      expect(world.look(second, { memory: memory({ swapOutBytesPerSecond: rate }) })).toEqual([])
    }
  })

  it('under pressure is a warning after a while, and critical nearly at once, raised by itself', () => {
    const world = createWorld()
    expect(world.watch(0, 9, { memory: memory({ pressure: 'warn' }) })).toEqual([])
    expect(raised(world.look(10))).toEqual(['memory-warn'])
    const critical = world.watch(11, 13, { memory: memory({ pressure: 'critical' }) })
    expect(critical[0]).toMatchObject({ id: 'memory-critical', severity: 'critical', raise: true })
    expect(world.watch(14, 60, { memory: memory({}) })).toEqual([])
  })

  it('of which nothing is known is no news', () => {
    expect(
      createWorld().watch(0, 60, { memory: memory({ pressure: null, swapOutBytesPerSecond: null }) }),
    ).toEqual([])
  })
})

describe('system notifications', () => {
  it('are not due when they are switched off, though all is shown', () => {
    const world = createWorld({ enabled: false, quietHours: null })
    const notices = world.watch(0, 20, { slots: full })
    expect([ids(notices), raised(notices)]).toEqual([['slots-full'], []])
  })

  it('wait until the quiet hours are over, if it still holds then', () => {
    const quiet = { enabled: true, quietHours: { from: '11:00', to: '12:01' } }
    const world = createWorld(quiet)
    expect(raised(world.watch(0, 59, { slots: full }))).toEqual([])
    expect(raised(world.look(60))).toEqual(['slots-full'])
  })

  it('that were raised before quiet hours are not withdrawn and raised again by them', () => {
    const world = createWorld({ enabled: true, quietHours: { from: '12:01', to: '12:02' } })
    expect(raised(world.watch(0, 59, { slots: full }))).toEqual(['slots-full'])
    for (let second = 60; second < 180; second += 1)
      expect(raised(world.look(second))).toEqual(['slots-full'])
  })

  it('can be switched off while something is raised', () => {
    const world = createWorld()
    world.watch(0, 20, { slots: full })
    expect(raised(world.look(21, {}, { changed: { enabled: false, quietHours: null } }))).toEqual([])
  })
})

it('tells what is worst first', () => {
  const world = createWorld()
  world.look(0, { overall: 'starting' })
  world.watch(1, 12, { overall: 'ready', slots: full })
  const notices = world.look(13, service('ramDisk', { phase: 'failed', reason: 'gone' }))
  expect(notices.map(({ severity }) => severity)).toEqual(['critical', 'warning', 'info'])
})

it('forgets nothing wrong when the clock is set back', () => {
  const world = createWorld()
  world.watch(1000, 1010, { slots: full })
  expect(ids(world.look(0))).toEqual(['slots-full'])
  expect(ids(world.look(3, { slots: free }))).toEqual(['slots-full'])
  expect(world.look(6)).toEqual([])
})

it('a gateway that fails, crashes and comes back is shown like a server, but never as critical', () => {
  const at = (seconds: number, change: Partial<ServiceState> | null): Snapshot => ({
    ...sampleSnapshot,
    takenAt: start + seconds * 1000,
    services: {
      ...sampleSnapshot.services,
      ...(change === null ? {} : { gateway: { ...sampleSnapshot.services.proxy, ...change } }),
    },
  })
  let state = noNotices
  const tell = (now: Snapshot) => {
    const folded = foldNotices(state, now, now.takenAt, always)
    state = folded.state
    return folded.notices.map(({ id, severity }) => `${severity} ${id}`)
  }
  expect(tell(at(0, {}))).toEqual([])
  expect(tell(at(1, { phase: 'starting', restarts: 1 }))).toEqual(['warning crashed-gateway'])
  expect(tell(at(2, { restarts: 1 }))).toEqual(['info recovered-gateway'])
  expect(tell(at(3, { phase: 'failed', restarts: 1, reason: 'gave up' }))).toEqual(['warning failed-gateway'])
  expect(tell(at(4, null))).toEqual([])
})

describe('quiet hours', () => {
  const at = (time: string): number => {
    const [hours = 0, minutes = 0] = time.split(':').map(Number)
    return minuteOfDay(new Date(2026, 0, 5, hours, minutes).getTime())
  }

  it.each([
    ['22:00', '07:00', '21:59', false],
    ['22:00', '07:00', '22:00', true],
    ['22:00', '07:00', '23:59', true],
    ['22:00', '07:00', '00:00', true],
    ['22:00', '07:00', '06:59', true],
    ['22:00', '07:00', '07:00', false],
    ['12:00', '13:30', '11:59', false],
    ['12:00', '13:30', '12:00', true],
    ['12:00', '13:30', '13:29', true],
    ['12:00', '13:30', '13:30', false],
    ['00:00', '06:00', '23:59', false],
    ['08:00', '08:00', '03:00', true],
  ])('from %s to %s, %s is quiet: %s', (from, to, time, expected) => {
    expect(isQuiet({ from, to }, at(time))).toBe(expected)
  })

  it('is never quiet without quiet hours', () => {
    expect(isQuiet(null, at('03:00'))).toBe(false)
  })
})
