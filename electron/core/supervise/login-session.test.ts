// Which servers restart after a logout, on a fake Mac with real processes.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createPlatform } from '../platform/detect-platform.ts'
import { createLaunchd } from '../platform/launchd/launchd.ts'
import { startSleeper, type TestChild } from '../platform/test-support/child.ts'
import { createTestMac, type TestMac } from '../platform/test-support/mac.ts'
import { logIn, logOut, madeUpJob } from '../platform/test-support/mac-launchd.ts'
import { type LoginSession, openLedger } from './ledger.ts'
import { createLaunchdSessions, endServersOfEndedSessions } from './login-session.ts'

const label = 'ai.opta.nexus.core'

let mac: TestMac
let root: string
let children: TestChild[]
beforeEach(() => {
  mac = createTestMac({ executables: false })
  root = mkdtempSync(join(tmpdir(), 'nexus-session-'))
  children = []
})
afterEach(async () => {
  for (const child of children) await child.end()
  mac.remove()
  rmSync(root, { recursive: true, force: true })
})

const sessions = (jobLabel: string | null = label, pid = 4711) =>
  createLaunchdSessions({ launchd: createLaunchd({ run: mac.run, uid: 501 }), uid: 501, pid, jobLabel })
const loadCore = (domain: string) =>
  mac.change((state) => {
    state.jobs[`${domain}/${label}`] = madeUpJob('/x.plist', 4711)
  })

describe('the session of a core', () => {
  it('is that of its job, wherever that is loaded', async () => {
    loadCore('gui/501')
    expect(await sessions().readOwn()).toEqual({ domain: 'gui/501', asid: 100020 })
    mac.change((state) => {
      state.jobs = {}
    })
    loadCore('user/501')
    expect(await sessions().readOwn()).toEqual({ domain: 'user/501', asid: 100008 })
  })

  it('is that of the screen in a terminal, and not known over SSH or as a daemon', async () => {
    expect(await sessions('0').readOwn()).toEqual({ domain: 'gui/501', asid: 100020 })
    mac.change(logOut)
    expect(await sessions(null).readOwn()).toBeNull()
    loadCore('system')
    expect(await sessions().readOwn()).toBeNull()
  })

  it('has ended after a logout and after the next login, and not when that could not be told', async () => {
    const session: LoginSession = { domain: 'gui/501', asid: 100020 }
    expect(await sessions().hasEnded(session)).toBe(false)
    mac.change(logOut)
    expect(await sessions().hasEnded(session)).toBe(true)
    mac.change(logIn)
    expect(await sessions().hasEnded(session)).toBe(true)
    expect(await sessions().hasEnded({ domain: 'user/501', asid: 100008 })).toBe(false)
    mac.change((state) => {
      state.failing['launchctl print'] = { exitCode: 1, stdout: '', stderr: 'Not privileged.\n' }
    })
    expect(await sessions().hasEnded(session)).toBe(false)
  })
})

describe('servers of a session that has ended', () => {
  const { processes } = createPlatform({ ramDiskRoot: tmpdir() })
  const path = () => join(root, 'ledger.json')
  const startServer = async (
    service: 'llamaServer' | 'proxy',
    session: LoginSession | null,
  ): Promise<number> => {
    const child = await startSleeper('', [], { detached: true })
    children.push(child)
    const identity = await processes.readIdentity(child.pid)
    openLedger(path(), null, session).record({
      service,
      pid: child.pid,
      startedAt: identity?.startedAt ?? '',
      argv: ['x'],
      profile: 'demo',
      spawnedAtMs: 1,
      logMark: { previous: 0, offset: 0 },
    })
    return child.pid
  }
  const isThere = async (pid: number): Promise<boolean> => (await processes.readIdentity(pid)) !== null

  it('are ended and forgotten; those of a session that lives, or is not known, are left to be adopted', async () => {
    const engine = await startServer('llamaServer', { domain: 'gui/501', asid: 100017 })
    const router = await startServer('proxy', { domain: 'user/501', asid: 100008 })
    const told: string[] = []
    await endServersOfEndedSessions(path(), processes, sessions(), ({ message }) => told.push(message))
    expect(await isThere(engine)).toBe(false)
    expect(await isThere(router)).toBe(true)
    const ledger = openLedger(path())
    expect([ledger.find('llamaServer'), ledger.find('proxy')?.pid]).toEqual([null, router])
    expect(told).toEqual([
      expect.stringContaining(`(pid ${engine}) was started in a login session that has ended`),
    ])
  })

  it('are left alone where their session was not recorded', async () => {
    const engine = await startServer('llamaServer', null)
    mac.change(logOut)
    await endServersOfEndedSessions(path(), processes, sessions(), () => {})
    expect(await isThere(engine)).toBe(true)
  })
})
