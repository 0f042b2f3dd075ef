import { describe, expect, it } from 'vitest'
import type { ServiceState } from '../../contract/snapshot.ts'
import { sampleSnapshot } from '../../contract/test-support/sample-snapshot.ts'
import { builtinProfiles } from '../config/profiles.ts'
import { type GuestFacts, judgeCore, judgeGuests, judgeServices } from './checks-on-core.ts'

const snapshot = () => sampleSnapshot
const calm = { lockPid: null, running: [], configured: null, started: null, up: 'nexus up' }
describe('judgeCore', () => {
  it('passes no core, and a core that answers', () => {
    expect(judgeCore({ ...calm, core: { kind: 'none' } }).level).toBe('ok')
    expect(judgeCore({ ...calm, core: { kind: 'attached', snapshot: snapshot() } }).level).toBe('ok')
  })

  it('warns of a stuck core, with the command to replace it', () => {
    expect(judgeCore({ ...calm, core: { kind: 'silent' }, lockPid: 12 })).toMatchObject({
      level: 'warn',
      mend: 'kill -9 12 && nexus up',
    })
    expect(judgeCore({ ...calm, core: { kind: 'none' }, lockPid: 12 }).level).toBe('warn')
    expect(judgeCore({ ...calm, core: { kind: 'strange', reason: 'of another version' } }).level).toBe('warn')
  })

  it('warns about services without a core', () => {
    const running = [{ service: 'proxy', pid: 7 }] as const
    expect(judgeCore({ ...calm, running, core: { kind: 'none' } })).toMatchObject({
      level: 'warn',
      found: expect.stringContaining('Router (pid 7) without a core'),
      mend: 'nexus up',
    })
    expect(judgeCore({ ...calm, running, core: { kind: 'attached', snapshot: snapshot() } }).level).toBe('ok')
  })

  it('warns when the settings have changed since the start', () => {
    const { demo, studio } = builtinProfiles('/r')
    if (demo === undefined || studio === undefined) throw new Error('no built-in profiles')
    const attached = { kind: 'attached', snapshot: snapshot() } as const
    expect(judgeCore({ ...calm, core: attached, configured: demo, started: studio }).level).toBe('warn')
    expect(judgeCore({ ...calm, core: attached, configured: demo, started: { ...demo } }).level).toBe('ok')
  })
})

describe('judgeServices', () => {
  const withService = (id: 'llamaServer' | 'ramDisk', change: Partial<ServiceState>) => {
    const base = snapshot()
    return { ...base, services: { ...base.services, [id]: { ...base.services[id], ...change } } }
  }

  it('passes a healthy stack', () => {
    expect(judgeServices({ ...snapshot(), proofFailure: null }).level).toBe('ok')
  })

  it("fails with the service's reason, and suggests a restart only if it ran before", () => {
    const failed = { phase: 'failed', reason: 'no model' } as const
    expect(judgeServices(withService('llamaServer', { ...failed, restarts: 0 }))).toMatchObject({
      level: 'fail',
      found: expect.stringContaining('no model'),
      mend: 'nexus logs llamaServer',
    })
    expect(judgeServices(withService('llamaServer', { ...failed, restarts: 5 })).mend).toBe(
      'nexus restart llamaServer',
    )
    expect(judgeServices(withService('ramDisk', failed)).mend).toBe('nexus up --only ramDisk')
  })

  it('warns of a degraded service, and fails when the test request failed', () => {
    expect(judgeServices(withService('llamaServer', { phase: 'degraded', reason: 'silent' })).level).toBe(
      'warn',
    )
    expect(judgeServices({ ...snapshot(), proofFailure: 'a 500 came back' }).level).toBe('fail')
  })
})

describe('other users', () => {
  const own = { path: '/tmp/.opta-nexus-501.sock', uid: 501, distrust: null }
  const facts = (change: Partial<GuestFacts> = {}): GuestFacts => ({
    guests: { group: 'staff' },
    coreRuns: true,
    sockets: [own],
    uid: 501,
    others: [],
    ...change,
  })

  it.each([
    ['the allowed group', facts(), 'ok', 'the group staff may see, start and stop', null],
    ['everyone', facts({ guests: 'everyone' }), 'ok', 'everyone on this machine may', null],
    [
      'no one, and how to change it',
      facts({ guests: 'none', sockets: [] }),
      'ok',
      '"guests" in the config',
      null,
    ],
    ['other shared cores', facts({ others: ['ben'] }), 'ok', '; also shared by ben', null],
    ['a missing socket', facts({ sockets: [] }), 'warn', 'has no socket', 'nexus logs core'],
    [
      'no socket while no core runs',
      facts({ sockets: [], coreRuns: false }),
      'ok',
      'the group staff may',
      null,
    ],
    [
      "a forged socket under a user's name",
      facts({ sockets: [{ ...own, distrust: 'belongs to user 666, not to user 501 as its name claims' }] }),
      'warn',
      'belongs to user 666',
      'sudo rm /tmp/.opta-nexus-501.sock',
    ],
  ])('says %s', (_, given, level, words, mend) => {
    expect(judgeGuests(given)).toEqual({ level, found: expect.stringContaining(words), mend })
  })
})
