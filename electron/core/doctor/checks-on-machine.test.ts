import { describe, expect, it } from 'vitest'
import type { AutostartState } from '../autostart/autostart.ts'
import {
  judgeClock,
  judgeDiskRoom,
  judgeLogin,
  judgeRestart,
  judgeService,
  judgeSleep,
  readDiskRooms,
} from './checks-on-machine.ts'

const room = (what: string, freeBytes: number) => ({ what, path: `/${what}`, freeBytes })
const said = (stdout: string, exitCode = 0) => ({ kind: 'exited', exitCode, stdout, stderr: '' }) as const
const notRun = { kind: 'not-run', reason: 'pmset did not answer' } as const

describe('judgeDiskRoom', () => {
  it('goes by the fullest disk', () => {
    expect(judgeDiskRoom([room('logs', 50e9), room('models', 9e9)]).level).toBe('ok')
    expect(judgeDiskRoom([room('logs', 50e9), room('models', 3e9)])).toMatchObject({
      level: 'warn',
      mend: expect.stringContaining('/models'),
    })
    expect(judgeDiskRoom([room('logs', 1e6), room('models', 3e9)]).level).toBe('fail')
    expect(judgeDiskRoom([]).level).toBe('unknown')
  })

  it("reads real disks, each once, even for folders that don't exist yet", async () => {
    const rooms = await readDiskRooms([
      { what: 'a', path: '/tmp/nexus-none/deep' },
      { what: 'b', path: '/tmp' },
    ])
    expect(rooms).toHaveLength(1)
    expect(rooms[0]).toMatchObject({ what: 'a, b', path: '/tmp' })
    expect(rooms[0]?.freeBytes).toBeGreaterThan(0)
  })
})

describe('judgeClock', () => {
  const now = Date.UTC(2027, 0, 1)

  it.each([
    ['right', now, now - 5_000, 'ok'],
    ['no file yet', now, null, 'ok'],
    ['a few seconds apart', now, now + 5_000, 'ok'],
    ['set back', now, now + 3_600_000, 'warn'],
    ['never set', 0, null, 'fail'],
    ['far ahead', Date.UTC(2120, 0, 1), null, 'fail'],
  ] as const)('%s', (_, nowMs, newestFileMs, level) => {
    expect(judgeClock(nowMs, newestFileMs, 'linux').level).toBe(level)
  })
})

const missing = {
  kind: 'exited',
  exitCode: 1,
  stdout: '',
  stderr:
    'The domain/default pair of (/Library/Preferences/com.apple.loginwindow, autoLoginUser) does not exist\n',
} as const
const agent: AutostartState = {
  installed: true,
  unitPath: '/Users/ana/Library/LaunchAgents/ai.opta.nexus.plist',
  loaded: true,
  running: true,
  pid: 4711,
  lastExit: null,
  reason: null,
}
const daemon = { ...agent, unitPath: '/Library/LaunchDaemons/ai.opta.nexus.plist' }

// Self-written samples from the manual page and general knowledge; not recorded.
describe('power', () => {
  it('warns of sleep', () => {
    expect(judgeSleep(said(' sleep                0 (sleep prevented by nexus)\n'))?.level).toBe('ok')
    expect(judgeSleep(said(' sleep                10\n'))).toMatchObject({
      level: 'warn',
      mend: 'sudo pmset -a sleep 0',
    })
    expect(judgeSleep(said(' displaysleep 10\n'))?.level).toBe('unknown')
    expect(judgeSleep(said(' SleepDisabled\t\t1\n sleep 1\n'))?.level).toBe('ok')
    expect(judgeSleep(said(' SleepDisabled\t\t0\n sleep 1\n'))?.found).toBe(
      'the machine sleeps after 1 minute',
    )
    expect(judgeSleep(notRun)?.level).toBe('unknown')
  })

  it('warns of a machine that stays off, but not of laptops', () => {
    expect(judgeRestart(said(' autorestart          1\n'))?.level).toBe('ok')
    expect(judgeRestart(said(' autorestart          0\n'))?.level).toBe('warn')
    expect(judgeRestart(said(' sleep          0\n'))).toBeNull()
    expect(judgeRestart(notRun)?.level).toBe('unknown')
  })

  it('warns without auto-login', () => {
    expect(judgeLogin(said('opta\n'), null).level).toBe('ok')
    expect(judgeLogin(missing, null).level).toBe('warn')
    expect(judgeLogin(missing, agent).level).toBe('warn')
    expect(judgeLogin(notRun, null).level).toBe('unknown')
    expect(judgeLogin({ ...missing, stderr: 'Operation not permitted\n' }, null)).toMatchObject({
      level: 'unknown',
      found: expect.stringContaining('Operation not permitted'),
    })
  })

  it('needs no login for a system daemon', () => {
    expect(judgeLogin(missing, daemon)).toMatchObject({ level: 'ok', mend: null })
    expect(judgeLogin(missing, { ...daemon, installed: false }).level).toBe('warn')
  })
})

describe('judgeService', () => {
  it.each([
    ['missing, wanted', { installed: false }, true, 'warn'],
    ['missing, not wanted', { installed: false }, false, 'ok'],
    ['running', {}, true, 'ok'],
    ['written, not loaded', { loaded: false, running: false }, true, 'warn'],
    ['loaded, stopped', { running: false, lastExit: 'exit status 0' }, true, 'ok'],
    ['loaded, ended badly', { running: false, lastExit: 'exit status 78: EX_CONFIG' }, true, 'warn'],
    ['unknown', { loaded: null, running: null, reason: 'launchctl print: ?' }, true, 'unknown'],
    ['unparsable print', { running: null, reason: 'not understood' }, true, 'unknown'],
  ] as const)('%s', (_, change, isWanted, level) => {
    expect(judgeService({ ...agent, ...change }, isWanted).level).toBe(level)
  })
})
