// Events from two snapshots that follow one another: each change one line, and what did not change none.
import { describe, expect, it } from 'vitest'
import type { Notice, StackEvent } from '../../contract/notice.ts'
import type { CommandedId } from '../../contract/service-ids.ts'
import type { ServiceState, Snapshot } from '../../contract/snapshot.ts'
import { SnapshotSchema } from '../../contract/snapshot.ts'
import { sampleSlot, sampleSnapshot } from '../../contract/test-support/sample-snapshot.ts'
import { appendEvents, describeChanges } from './events.ts'

const base: Snapshot = sampleSnapshot
const at = base.takenAt

const withService = (id: CommandedId, change: Partial<ServiceState>, from: Snapshot = base): Snapshot => ({
  ...from,
  services: { ...from.services, [id]: { ...from.services[id], ...change } },
})

const textsOf = (before: Snapshot | null, after: Snapshot) =>
  describeChanges(before, after).map(({ severity, text }) => `${severity}: ${text}`)

const starting = { phase: 'starting', since: at - 4_200, pid: null } as const

describe('a service', () => {
  it.each<readonly [string, Partial<ServiceState>, Partial<ServiceState>, readonly string[]]>([
    ['starts', { phase: 'stopped' }, starting, ['info: AI Engine is starting']],
    ['is ready', starting, { phase: 'ready', since: at }, ['info: AI Engine is ready after 4.2 s']],
    [
      'crashes',
      { phase: 'ready' },
      { phase: 'starting', restarts: 1, reason: 'ended by SIGKILL' },
      ['warning: AI Engine crashed: ended by SIGKILL'],
    ],
    [
      'crashes again before it was ready',
      { phase: 'starting', restarts: 1 },
      { phase: 'starting', restarts: 2, reason: 'exit 1' },
      ['warning: AI Engine crashed: exit 1'],
    ],
    [
      'is back',
      { phase: 'starting', restarts: 2 },
      { phase: 'ready', restarts: 2 },
      ['info: AI Engine is ready again, restarted'],
    ],
    [
      'is given up',
      { phase: 'starting', restarts: 4 },
      { phase: 'failed', restarts: 4, reason: 'gave up after 5 crashes in 10 minutes: exit 1' },
      ['critical: AI Engine: gave up after 5 crashes in 10 minutes: exit 1'],
    ],
    [
      'does not answer',
      {},
      { phase: 'degraded', reason: 'no answer' },
      ['warning: AI Engine does not answer as it should: no answer'],
    ],
    ['answers again', { phase: 'degraded' }, {}, ['info: AI Engine answers again']],
    ['is being stopped', {}, { phase: 'stopping' }, []],
    ['is stopped', { phase: 'stopping' }, { phase: 'stopped' }, ['info: AI Engine stopped']],
    ['is forgotten after a failure', { phase: 'failed' }, { phase: 'stopped' }, []],
    [
      'is taken over',
      { phase: 'stopped' },
      { phase: 'starting', adopted: true, pid: 7 },
      ['info: Took over the running AI Engine (pid 7)'],
    ],
    ['stays', {}, { uptimeSeconds: 99, waitingFor: null }, []],
  ])('that %s', (_, was, is, expected) => {
    expect(textsOf(withService('llamaServer', was), withService('llamaServer', is))).toEqual(expected)
  })

  it('names its service and the time', () => {
    expect(
      describeChanges(
        withService('proxy', { phase: 'stopping' }),
        withService('proxy', { phase: 'stopped' }),
      ),
    ).toEqual<StackEvent[]>([{ at, severity: 'info', service: 'proxy', text: 'Router stopped' }])
  })
})

describe('the forge', () => {
  it.each<readonly [Partial<ServiceState>, Partial<ServiceState>, readonly string[]]>([
    [{ phase: 'stopping' }, { phase: 'stopped' }, ['info: Build Forge ejected']],
    [{ phase: 'stopped' }, { phase: 'ready' }, ['info: Build Forge found mounted']],
    [{ phase: 'ready' }, { phase: 'failed', reason: 'unmounted' }, ['critical: Build Forge: unmounted']],
  ])('from %o to %o', (was, is, expected) => {
    expect(textsOf(withService('ramDisk', was), withService('ramDisk', is))).toEqual(expected)
  })
})

describe('the first look', () => {
  it('tells what was taken over, and no more', () => {
    const found = withService('llamaServer', { adopted: true, uptimeSeconds: 7_200 })
    expect(textsOf(null, found)).toEqual([
      'info: Build Forge found mounted',
      'info: Took over the running AI Engine (pid 101, up for 2 h)',
    ])
  })
})

describe('the proof', () => {
  const proof = { provedAt: at - 1_000, milliseconds: 812, outputTokens: 8, model: 'm', checkedAt: null }
  const before: Snapshot = { ...base, takenAt: at - 2_000, proof: null }

  it('is logged when it was made, with its time', () => {
    expect(textsOf(before, { ...base, proof })).toEqual(['info: A Claude request came back in 812 ms'])
    expect(textsOf({ ...before, proof }, { ...base, proof: { ...proof, checkedAt: at } })).toEqual([])
  })

  it('of an earlier core is no event', () => {
    expect(textsOf(before, { ...base, proof: { ...proof, provedAt: at - 60_000 } })).toEqual([])
  })

  it('that fails is logged once for each reason', () => {
    const broken = { ...base, proof: null, proofFailure: 'HTTP 500' }
    expect(textsOf(before, broken)).toEqual(['critical: A Claude request did not come back: HTTP 500'])
    expect(textsOf(broken, { ...broken, takenAt: at + 1 })).toEqual([])
  })
})

describe('what holds for a while', () => {
  const full: Notice = {
    id: 'slots-full',
    since: at - 90_000,
    severity: 'warning',
    title: 'All 4 slots are busy',
    body: '',
    view: { id: 'glance', service: null },
    raise: true,
  }
  it('is an event when it begins and when it ends, not while its words change', () => {
    expect(textsOf(base, { ...base, notices: [full] })).toEqual(['warning: All 4 slots are busy'])
    expect(
      textsOf(
        { ...base, notices: [full] },
        { ...base, notices: [{ ...full, title: 'other', raise: false }] },
      ),
    ).toEqual([])
  })

  const known = { slots: [sampleSlot], queue: { processing: 0, deferred: 0 }, requests: [] }
  const mounted = { mountPoint: '/Volumes/b', mounted: true, kind: null, totalBytes: 1, usedBytes: 0 }
  const overText = (title: string) => `info: Over after 1 min 30 s: ${title}`
  it.each<readonly [string, Partial<Notice>, Snapshot, string]>([
    ['a slot is free', {}, { ...base, ...known }, 'info: A slot is free again, after 1 min 30 s'],
    [
      'every slot is still busy',
      {},
      { ...base, ...known, slots: [{ ...sampleSlot, phase: 'prefill' }] },
      overText(full.title),
    ],
    [
      'the engine stopped',
      {},
      withService('llamaServer', { phase: 'stopped' }, { ...base, slots: null }),
      'info: AI Engine no longer serves, after 1 min 30 s: All 4 slots are busy',
    ],
    [
      'the engine crashed on those who waited for it',
      { id: 'queue-waits', title: 'Long wait for a slot' },
      withService('llamaServer', { phase: 'starting' }, { ...base, queue: null }),
      'info: AI Engine no longer serves, after 1 min 30 s: Long wait for a slot',
    ],
    [
      'the slots are unknown',
      {},
      { ...base, slots: null },
      'info: No longer known, after 1 min 30 s: All 4 slots are busy',
    ],
    [
      'the Router does not tell',
      { id: 'request-waits', title: 'Long wait for a request' },
      { ...base, requests: null },
      'info: No longer known, after 1 min 30 s: Long wait for a request',
    ],
    [
      'the Router stopped',
      { id: 'request-waits', title: 'Long wait for a request' },
      withService('proxy', { phase: 'stopped' }, { ...base, requests: null }),
      'info: Router no longer serves, after 1 min 30 s: Long wait for a request',
    ],
    [
      'it was ejected',
      { id: 'forge-full', title: 'Build Forge is 91 % full' },
      { ...base, ramDisk: { ...mounted, mounted: false } },
      'info: Build Forge is no longer mounted, after 1 min 30 s: Build Forge is 91 % full',
    ],
    [
      'it has room',
      { id: 'forge-full', title: 'Build Forge is 91 % full' },
      { ...base, ramDisk: mounted },
      overText('Build Forge is 91 % full'),
    ],
    [
      'memory is not read',
      { id: 'memory-warn', title: 'Memory is getting tight' },
      { ...base, memory: null },
      'info: No longer known, after 1 min 30 s: Memory is getting tight',
    ],
  ])('ends with why: %s', (_, notice, after, expected) => {
    const before = { ...after, services: base.services, notices: [{ ...full, ...notice }] }
    const told = textsOf(before, { ...after, notices: [] })
    expect(told.filter((text) => text.includes('after 1 min 30 s'))).toEqual([expected])
  })

  it('is no second event where a service has its own', () => {
    expect(textsOf(base, { ...base, notices: [{ ...full, id: 'crashed-proxy' }] })).toEqual([])
  })
})

it('another profile is an event', () => {
  expect(textsOf(base, { ...base, profile: 'studio' })).toEqual(['info: Profile studio instead of demo'])
})

it('keeps the last 20, as the contract has them', () => {
  const event = (index: number): StackEvent => ({
    at: index,
    severity: 'info',
    service: null,
    text: `${index}`,
  })
  const many = Array.from({ length: 30 }, (_, index) => event(index))
  const events = many.reduce<readonly StackEvent[]>((kept, next) => appendEvents(kept, [next]), [])
  expect(events.map((each) => each.at)).toEqual(Array.from({ length: 20 }, (_, index) => index + 10))
  expect(SnapshotSchema.parse({ ...sampleSnapshot, events: [...events] }).events).toHaveLength(20)
})

it('a gateway has the events of a service, and its coming and going with a profile has none', () => {
  const gateway = base.services.proxy
  const withGateway = (change: Partial<ServiceState>) => ({
    ...base,
    services: { ...base.services, gateway: { ...gateway, ...change } },
  })
  const failed = withGateway({ phase: 'failed', reason: 'port 80 is held' })
  expect(textsOf(withGateway(starting), failed)).toEqual(['critical: Gateway: port 80 is held'])
  expect(textsOf(base, withGateway({}))).toEqual([])
  expect(textsOf(withGateway({}), base)).toEqual([])
})
