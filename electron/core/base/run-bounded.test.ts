import { spawnSync } from 'node:child_process'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { runBounded } from './run-bounded.ts'

const sh = (script: string, bounds: Parameters<typeof runBounded>[2]) =>
  runBounded('/bin/sh', ['-c', script], bounds)
const pidIn = (text: string) => Number(/^pid (\d+)$/m.exec(text)?.[1])
/** An ended one is a zombie until init has taken note of it. */
const isGone = (pid: number) =>
  /^(Z.*)?$/.test(spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).stdout.trim())

describe('runBounded', () => {
  it('ends what the program leaves behind, which holds its pipes', async () => {
    const run = await sh('sleep 1000 & echo pid $!; exit 3', { timeoutMs: 60_000 })
    expect(run).toMatchObject({ exitCode: 3, timedOut: false })
    await vi.waitFor(() => expect(isGone(pidIn(run.stdout))).toBe(true))
  })

  it('leaves it running where it may be left, and lets go of the pipes when the time is over', async () => {
    const run = await sh('sleep 1000 & echo pid $!; echo bad >&2', {
      timeoutMs: 1_000,
      mayLeaveChildren: true,
    })
    const pid = pidIn(run.stdout)
    onTestFinished(() => void process.kill(pid))
    expect(run).toMatchObject({ exitCode: 0, stderr: 'bad\n', timedOut: false })
    expect(isGone(pid)).toBe(false)
  })

  it('lets go of the pipes of one that left the group', async () => {
    // setsid(1) is Linux only; perl is on every Mac too. The parent ends when the child has said who it is.
    const leave = `pipe R, W; if (fork) { <R>; exit } setsid; $| = 1; print "pid $$\\n"; syswrite W, "\\n"; sleep 1000`
    const run = await runBounded('perl', ['-MPOSIX', '-e', leave], { timeoutMs: 1_000 })
    const pid = pidIn(run.stdout)
    onTestFinished(() => void process.kill(pid))
    expect(run).toMatchObject({ exitCode: 0, timedOut: false })
  })

  it.each([true, false])(
    'ends program and children when the time is over (mayLeaveChildren: %s)',
    async (mayLeaveChildren) => {
      const run = await sh('sleep 1000 & echo pid $!; wait', { timeoutMs: 1_000, mayLeaveChildren })
      expect(run).toMatchObject({ exitCode: null, signal: 'SIGKILL', timedOut: true })
      await vi.waitFor(() => expect(isGone(pidIn(run.stdout))).toBe(true))
    },
  )

  it('asks it to end before it is killed', async () => {
    const run = await sh('trap "echo bye; exit 7" TERM; sleep 1000 & wait', {
      timeoutMs: 2_000,
      graceMs: 20_000,
    })
    expect(run).toMatchObject({ exitCode: 7, stdout: 'bye\n', timedOut: true })
  })

  it('ends with its signal', async () => {
    const stop = new AbortController()
    const run = sh('sleep 1000 & wait', { timeoutMs: 60_000, signal: stop.signal })
    stop.abort()
    expect(await run).toMatchObject({ signal: 'SIGKILL', timedOut: false })
    expect(await sh('sleep 1000 & wait', { timeoutMs: 60_000, signal: stop.signal })).toMatchObject({
      signal: 'SIGKILL',
    })
  })

  it('says what cannot be started', async () => {
    expect(await runBounded('/no/such/program', [], { timeoutMs: 1_000 })).toMatchObject({
      code: 'ENOENT',
      exitCode: null,
    })
  })
})
