import { describe, expect, it } from 'vitest'
import type { ServiceState } from '../../contract/snapshot.ts'
import { sampleSnapshot } from '../../contract/test-support/sample-snapshot.ts'
import { builtinProfiles } from '../config/profiles.ts'
import { judgeCore, judgeOrphans, judgeScreens, judgeServices } from './checks-on-core.ts'

const snapshot = () => sampleSnapshot
const calm = { lockPid: null, configured: null, started: null, up: 'nexus up' }
const entry = (service: 'llamaServer' | 'proxy', pid: number) => ({
  service,
  pid,
  startedAt: 'x',
  argv: ['x'],
  profile: 'demo',
  spawnedAtMs: 1,
  logMark: { previous: 0, offset: 0 },
})

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

  it('warns when the settings have changed since the start', () => {
    const { demo, studio } = builtinProfiles('/r')
    if (demo === undefined || studio === undefined) throw new Error('no built-in profiles')
    const attached = { kind: 'attached', snapshot: snapshot() } as const
    expect(judgeCore({ ...calm, core: attached, configured: demo, started: studio }).level).toBe('warn')
    expect(judgeCore({ ...calm, core: attached, configured: demo, started: { ...demo } }).level).toBe('ok')
  })
})

describe('judgeOrphans', () => {
  it('warns only about services without a core', () => {
    expect(judgeOrphans([], false).level).toBe('ok')
    expect(judgeOrphans([entry('proxy', 7)], true).level).toBe('ok')
    expect(judgeOrphans([entry('proxy', 7)], false)).toMatchObject({ level: 'warn', mend: 'nexus up' })
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

describe('judgeScreens', () => {
  const said = (stdout: string) => ({ kind: 'exited', exitCode: 1, stdout, stderr: '' }) as const

  it("warns of the old start script's sessions only", () => {
    expect(judgeScreens(said('There is a screen on:\n\t12.mail\t(Detached)\n')).level).toBe('ok')
    expect(
      judgeScreens(said('There are screens on:\n\t12.ai-engine\t(Detached)\n\t13.proxy\t(Attached)\n')),
    ).toMatchObject({
      level: 'warn',
      mend: 'screen -S 12.ai-engine -X quit; screen -S 13.proxy -X quit',
    })
  })

  it('does not call an unresponsive session running', () => {
    const verdict = judgeScreens(
      said('There are screens on:\n\t41.ai-engine\t(Dead ???)\n\t42.proxy\t(Detached)\n'),
    )
    expect(verdict.mend).toBe('screen -S 42.proxy -X quit; screen -wipe')
    expect(verdict.found).toContain('proxy (42) still runs; ai-engine (41, Dead ???) is listed')
    for (const status of ['Dead ???', 'Remote or dead', 'Unreachable'])
      expect(judgeScreens(said(`\t41.ai-engine\t(${status})\n`)).mend).toBe('screen -wipe')
  })

  it('distinguishes "not installed" from "unknown"', () => {
    expect(judgeScreens({ kind: 'not-run', reason: 'spawn screen ENOENT' }).level).toBe('ok')
    expect(judgeScreens({ kind: 'not-run', reason: 'screen did not answer within 2000 ms' }).level).toBe(
      'unknown',
    )
    expect(judgeScreens(said('Cannot open your terminal')).level).toBe('unknown')
  })
})
