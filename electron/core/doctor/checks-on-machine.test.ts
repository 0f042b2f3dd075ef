import { describe, expect, it } from 'vitest'
import {
  judgeClock,
  judgeDiskRoom,
  judgeLogin,
  judgeRestart,
  judgeSleep,
  readDiskRooms,
} from './checks-on-machine.ts'

const room = (what: string, freeBytes: number) => ({ what, path: `/${what}`, freeBytes, device: 1 })
const said = (stdout: string, exitCode = 0) => ({ kind: 'exited', exitCode, stdout, stderr: '' }) as const
const notRun = { kind: 'not-run', reason: 'pmset did not answer' } as const

describe('judgeDiskRoom', () => {
  it('goes by the tightest disk', () => {
    expect(judgeDiskRoom([room('logs', 50e9), room('models', 9e9)]).level).toBe('ok')
    expect(judgeDiskRoom([room('logs', 50e9), room('models', 3e9)])).toMatchObject({
      level: 'warn',
      mend: expect.stringContaining('/models'),
    })
    expect(judgeDiskRoom([room('logs', 1e6), room('models', 3e9)]).level).toBe('fail')
    expect(judgeDiskRoom([]).level).toBe('unknown')
  })

  it('reads real disks, each once, also for folders that are not there yet', async () => {
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

// Own samples after the manual page and general knowledge; no recording is at hand.
describe('power', () => {
  it('warns of sleep', () => {
    expect(judgeSleep(said(' sleep                0 (sleep prevented by nexus)\n')).level).toBe('ok')
    expect(judgeSleep(said(' sleep                10\n'))).toMatchObject({
      level: 'warn',
      mend: 'sudo pmset -a sleep 0',
    })
    expect(judgeSleep(said(' displaysleep 10\n')).level).toBe('unknown')
    expect(judgeSleep(notRun).level).toBe('unknown')
  })

  it('warns of a machine that stays off, and leaves laptops alone', () => {
    expect(judgeRestart(said(' autorestart          1\n'))?.level).toBe('ok')
    expect(judgeRestart(said(' autorestart          0\n'))?.level).toBe('warn')
    expect(judgeRestart(said(' sleep          0\n'))).toBeNull()
    expect(judgeRestart(notRun)?.level).toBe('unknown')
  })

  it('warns when nobody is logged in by itself', () => {
    expect(judgeLogin(said('opta\n')).level).toBe('ok')
    expect(judgeLogin(said('', 1)).level).toBe('warn')
    expect(judgeLogin(notRun).level).toBe('unknown')
  })
})
