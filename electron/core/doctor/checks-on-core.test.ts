import { describe, expect, it } from 'vitest'
import type { ServiceState } from '../../contract/snapshot.ts'
import { sampleSnapshot } from '../../contract/test-support/sample-snapshot.ts'
import { builtinProfiles } from '../config/profiles.ts'
import { judgeCore, judgeServices } from './checks-on-core.ts'

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
