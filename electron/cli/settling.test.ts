// When up and down are over: neither too early nor never.
import { describe, expect, it } from 'vitest'
import type { CommandedId } from '../contract/service-ids.ts'
import type { Phase, ServiceState, Snapshot } from '../contract/snapshot.ts'
import { sampleSnapshot } from '../contract/test-support/sample-snapshot.ts'
import { judgeDown, judgeRestart, judgeUp } from './settling.ts'

const proved = sampleSnapshot.proof

const snapshotOf = (
  phases: Partial<Record<CommandedId, Phase | readonly [Phase, string]>>,
  rest: Partial<Pick<Snapshot, 'proof' | 'proofFailure'>> = {},
): Snapshot => {
  const stateOf = (id: CommandedId) => {
    const given = phases[id] ?? 'ready'
    const [phase, reason] = typeof given === 'string' ? [given, null] : given
    return { ...sampleSnapshot.services[id], phase, reason }
  }
  return {
    ...sampleSnapshot,
    services: { ramDisk: stateOf('ramDisk'), llamaServer: stateOf('llamaServer'), proxy: stateOf('proxy') },
    proof: null,
    ...rest,
  }
}

describe('judgeUp', () => {
  it('is not ready until the mount table has the RAM disk', () => {
    const read = (mounted: boolean): Snapshot => ({
      ...snapshotOf({}),
      ramDisk: { mountPoint: '/Volumes/B', mounted, kind: null, totalBytes: null, usedBytes: null },
    })
    expect(judgeUp(read(false), 'ramDisk')).toEqual({ kind: 'waiting' })
    expect(judgeUp(read(true), 'ramDisk')).toEqual({ kind: 'ready' })
    expect(judgeUp(read(false), 'llamaServer')).toEqual({ kind: 'ready' })
    // Unread is no reason to wait: it may stay so.
    expect(judgeUp({ ...snapshotOf({}), ramDisk: null }, 'ramDisk')).toEqual({ kind: 'ready' })
  })

  it('is ready only with the proof', () => {
    expect(judgeUp(snapshotOf({}), null)).toEqual({ kind: 'waiting' })
    expect(judgeUp(snapshotOf({}, { proof: proved }), null)).toEqual({ kind: 'ready' })
  })

  it('waits for services in transition, even after a failure: they are being rolled back', () => {
    expect(judgeUp(snapshotOf({ llamaServer: 'starting' }), null).kind).toBe('waiting')
    expect(judgeUp(snapshotOf({ llamaServer: ['failed', 'no model'], proxy: 'starting' }), null).kind).toBe(
      'waiting',
    )
    expect(judgeUp(snapshotOf({ llamaServer: ['failed', 'no model'], proxy: 'stopping' }), null).kind).toBe(
      'waiting',
    )
  })

  it('names every failure with its reason', () => {
    const snapshot = snapshotOf({
      llamaServer: ['failed', 'the model is not there'],
      proxy: 'stopped',
      ramDisk: ['failed', 'no room'],
    })
    expect(judgeUp(snapshot, null)).toEqual({
      kind: 'failed',
      reasons: ['Build Forge: no room', 'AI Engine: the model is not there'],
    })
  })

  it('reports that another command stopped it meanwhile', () => {
    expect(judgeUp(snapshotOf({ llamaServer: 'stopped', proxy: 'stopped' }), null)).toEqual({
      kind: 'failed',
      reasons: ['AI Engine, Router: stopped by another command'],
    })
  })

  it("fails with the proof's reason", () => {
    expect(judgeUp(snapshotOf({}, { proofFailure: 'no tokens' }), null)).toEqual({
      kind: 'failed',
      reasons: ['no Claude request was answered: no tokens'],
    })
  })

  it('is ready while degraded if the proof succeeded', () => {
    expect(judgeUp(snapshotOf({ proxy: 'degraded' }, { proof: proved }), null).kind).toBe('ready')
  })

  it('judges one service alone when asked to', () => {
    const snapshot = snapshotOf({ llamaServer: ['failed', 'no model'], proxy: 'stopped', ramDisk: 'ready' })
    expect(judgeUp(snapshot, 'ramDisk')).toEqual({ kind: 'ready' })
    expect(judgeUp(snapshot, 'llamaServer')).toEqual({ kind: 'failed', reasons: ['AI Engine: no model'] })
    expect(judgeUp(snapshotOf({ llamaServer: 'stopping' }), 'llamaServer').kind).toBe('waiting')
  })
})

describe('judgeRestart', () => {
  const before = snapshotOf({}, { proof: proved })
  const withPids = (
    snapshot: Snapshot,
    pids: Partial<Record<'llamaServer' | 'proxy', number | null>>,
  ): Snapshot => ({
    ...snapshot,
    services: {
      ...snapshot.services,
      llamaServer: { ...snapshot.services.llamaServer, pid: pids.llamaServer ?? null },
      proxy: { ...snapshot.services.proxy, pid: pids.proxy ?? null },
    },
  })
  const old = withPids(before, { llamaServer: 10, proxy: 20 })

  it('waits for the old processes, however ready they look', () => {
    expect(judgeRestart(old, null, old)).toEqual({ kind: 'waiting' })
    expect(judgeRestart(old, 'llamaServer', old)).toEqual({ kind: 'waiting' })
    const drained = withPids(snapshotOf({ proxy: 'stopped' }), { llamaServer: 10 })
    expect(judgeRestart(drained, null, old)).toEqual({ kind: 'waiting' })
  })

  it('judges the new processes like a start', () => {
    expect(judgeRestart(withPids(old, { llamaServer: 11, proxy: 21 }), null, old)).toEqual({ kind: 'ready' })
    expect(judgeRestart(withPids(old, { llamaServer: 10, proxy: 21 }), 'proxy', old)).toEqual({
      kind: 'ready',
    })
  })

  it("does not wait for a service that can't be stopped or did not run", () => {
    const stuck = withPids(snapshotOf({ proxy: ['failed', 'it does not end'] }), {
      llamaServer: 11,
      proxy: 20,
    })
    expect(judgeRestart(stuck, 'proxy', old).kind).toBe('failed')
    const none = withPids(snapshotOf({ proxy: 'stopped' }), {})
    expect(judgeRestart(withPids(snapshotOf({}), { proxy: 5 }), 'proxy', none)).toEqual({ kind: 'ready' })
  })
})

describe('judgeDown', () => {
  it('is over when no process is left; the RAM disk has none', () => {
    expect(judgeDown(snapshotOf({ llamaServer: 'stopped', proxy: 'stopped' }), null)).toEqual({
      kind: 'stopped',
    })
    expect(judgeDown(snapshotOf({ llamaServer: 'stopped' }), null).kind).toBe('waiting')
    expect(judgeDown(snapshotOf({}), 'ramDisk')).toEqual({ kind: 'stopped' })
  })

  it('judges one service alone when asked to', () => {
    expect(judgeDown(snapshotOf({ proxy: 'stopped' }), 'proxy').kind).toBe('stopped')
    expect(judgeDown(snapshotOf({ llamaServer: 'stopped' }), 'proxy').kind).toBe('waiting')
  })

  it('waits for the other service before it reports one that would not stop', () => {
    const stuck = ['failed', 'pid 12 did not end even after SIGKILL'] as const
    expect(judgeDown(snapshotOf({ llamaServer: stuck, proxy: 'stopping' }), null).kind).toBe('waiting')
    expect(judgeDown(snapshotOf({ llamaServer: stuck, proxy: 'stopped' }), null)).toEqual({
      kind: 'failed',
      reasons: ['AI Engine: pid 12 did not end even after SIGKILL'],
    })
  })
})

describe('a gateway', () => {
  const service = sampleSnapshot.services.proxy
  const withGateway = (change: Partial<ServiceState>, phases: Parameters<typeof snapshotOf>[0] = {}) => {
    const snapshot = snapshotOf(phases, { proof: proved })
    const gateway = { ...service, since: snapshot.takenAt, ...change }
    return { ...snapshot, services: { ...snapshot.services, gateway } }
  }

  it('is waited for while it starts, but with a limit and not while it crashes', () => {
    expect(judgeUp(withGateway({ phase: 'starting' }), null).kind).toBe('waiting')
    expect(judgeUp(withGateway({ phase: 'starting' }), 'proxy').kind).toBe('waiting')
    expect(judgeUp(withGateway({ phase: 'starting' }), 'llamaServer').kind).toBe('ready')
    expect(judgeUp(withGateway({ phase: 'starting', restarts: 1 }), null).kind).toBe('ready')
    const { takenAt } = sampleSnapshot
    expect(judgeUp(withGateway({ phase: 'starting', since: takenAt - 60_000 }), null).kind).toBe('ready')
  })

  it('that fails does not fail the start', () => {
    expect(judgeUp(withGateway({ phase: 'failed', reason: 'port 80 is held' }), null).kind).toBe('ready')
  })

  it('stays when the Router alone restarts, and is replaced when everything does', () => {
    const before = withGateway({ pid: 30 })
    expect(judgeRestart(before, 'llamaServer', snapshotOf({}, { proof: proved })).kind).toBe('waiting')
    const routerReplaced = {
      ...before,
      services: { ...before.services, proxy: { ...service, pid: 21 } },
    }
    expect(judgeRestart(routerReplaced, 'proxy', before).kind).toBe('ready')
    const serversReplaced = {
      ...routerReplaced,
      services: { ...routerReplaced.services, llamaServer: { ...service, pid: 11 } },
    }
    expect(judgeRestart(serversReplaced, null, before).kind).toBe('waiting')
  })

  it('is gone after a stop of everything, or of the Router', () => {
    const down = { llamaServer: 'stopped', proxy: 'stopped' } as const
    const ending = withGateway({ phase: 'stopping' }, down)
    expect(judgeDown(ending, null).kind).toBe('waiting')
    expect(judgeDown(ending, 'proxy').kind).toBe('waiting')
    expect(judgeDown(ending, 'llamaServer').kind).toBe('stopped')
    expect(judgeDown(withGateway({ phase: 'failed', reason: 'pid 9 is there' }, down), null)).toEqual({
      kind: 'failed',
      reasons: ['Gateway: pid 9 is there'],
    })
  })
})

describe('a later command', () => {
  const ordered = (
    phases: Parameters<typeof snapshotOf>[0],
    llamaServer: 'start' | 'stop' | 'restart' | null,
    proxy: 'start' | 'stop' | 'restart' | null = llamaServer,
  ): Snapshot => ({ ...snapshotOf(phases), lastOrders: { ramDisk: null, llamaServer, proxy } })

  it('ends the wait of a down that it overtakes', () => {
    const reasons = ['overtaken by another command: a later nexus up named the AI Engine']
    expect(judgeDown(ordered({}, 'start'), null)).toEqual({ kind: 'failed', reasons })
    expect(judgeDown(ordered({ proxy: 'starting' }, 'start'), null)).toEqual({ kind: 'failed', reasons })
    expect(judgeDown(ordered({ proxy: 'stopping' }, 'stop'), null)).toEqual({ kind: 'waiting' })
    expect(judgeDown(ordered({ llamaServer: 'stopped', proxy: 'stopped' }, 'stop'), null)).toEqual({
      kind: 'stopped',
    })
  })

  it('overtakes a down as a restart too, and as an up of one service', () => {
    expect(judgeDown(ordered({}, 'restart'), null).kind).toBe('failed')
    expect(judgeDown(ordered({ llamaServer: 'stopped' }, 'stop', 'start'), null)).toEqual({
      kind: 'failed',
      reasons: ['overtaken by another command: a later nexus up named the Router'],
    })
    expect(judgeDown(ordered({ llamaServer: 'stopped' }, 'stop', 'start'), 'llamaServer').kind).toBe(
      'stopped',
    )
  })

  it('ends the wait of a restart whose servers it kept', () => {
    const before = snapshotOf({})
    expect(judgeRestart(ordered({}, 'restart'), null, before).kind).toBe('waiting')
    expect(judgeRestart(ordered({}, 'start'), null, before)).toEqual({
      kind: 'failed',
      reasons: ['overtaken by another command: a later nexus up named the AI Engine'],
    })
    expect(judgeRestart(ordered({ llamaServer: 'stopping' }, 'stop'), null, before).kind).toBe('failed')
  })

  it('does not matter if the core does not report orders', () => {
    expect(judgeDown(snapshotOf({}), null)).toEqual({ kind: 'waiting' })
  })
})
