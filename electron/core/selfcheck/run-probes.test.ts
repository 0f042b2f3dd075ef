import { describe, expect, it } from 'vitest'
import type { RunCommand } from '../platform/run-command.ts'
import { type Probe, pass } from './probe.ts'
import { type RunProbesOptions, runProbes } from './run-probes.ts'

const quiet: RunCommand = async (argv) => ({
  kind: 'exited',
  exitCode: 0,
  stdout: `${argv[0]}\n`,
  stderr: '',
})

const probe = (id: string, run: Probe['run'], more: Partial<Probe> = {}): Probe => ({
  id,
  group: 'System',
  assumed: `${id} holds`,
  limitMs: 5_000,
  run,
  ...more,
})

const start = (probes: readonly Probe[], more: Partial<RunProbesOptions> = {}) => {
  const stop = new AbortController()
  const done = runProbes(probes, {
    run: quiet,
    signal: stop.signal,
    limitMs: 60_000,
    undoLimitMs: 50,
    onBegin: () => {},
    onEnd: () => {},
    ...more,
  })
  return { stop, done }
}

const never = new Promise<never>(() => {})

describe('runProbes', () => {
  it('runs them in order, with their output', async () => {
    const told: string[] = []
    const { done } = start(
      [
        probe('a', async ({ run, keep }) => {
          await run(['uname', '-r'])
          keep('log', 'the end', 'text')
          return pass('yes')
        }),
        probe('b', async () => pass('too')),
      ],
      { onBegin: ({ id }) => told.push(`begin ${id}`), onEnd: ({ probe: { id } }) => told.push(`end ${id}`) },
    )
    const { runs, left } = await done
    expect(told).toEqual(['begin a', 'end a', 'begin b', 'end b'])
    expect(left).toEqual([])
    expect(runs.map(({ verdict, found }) => [verdict, found])).toEqual([
      ['pass', 'yes'],
      ['pass', 'too'],
    ])
    expect(runs[0]?.evidence).toEqual([
      {
        kind: 'command',
        argv: ['uname', '-r'],
        result: { kind: 'exited', exitCode: 0, stdout: 'uname\n', stderr: '' },
      },
      { kind: 'text', source: 'log', what: 'the end', text: 'text' },
    ])
  })

  it('turns a throwing probe into a failure, and removes what it created, last first', async () => {
    const undone: string[] = []
    const { done } = start([
      probe('throws', async ({ defer }) => {
        for (const what of ['first', 'second'])
          defer({ what, command: 'rm', undo: async () => void undone.push(what) })
        throw new Error('the disk is on fire')
      }),
      probe('next', async () => pass(`after ${undone.join(' and ')}`)),
    ])
    const { runs } = await done
    expect(runs.map(({ verdict, found }) => [verdict, found])).toEqual([
      ['fail', 'the disk is on fire'],
      ['pass', 'after second and first'],
    ])
  })

  it('stops a hanging probe at its limit, removes what it created, and goes on', async () => {
    let isUndone = false
    const { done } = start([
      probe(
        'hangs',
        ({ defer }) => {
          defer({
            what: 'x',
            command: 'rm',
            undo: async () => {
              isUndone = true
            },
          })
          return never
        },
        { limitMs: 20 },
      ),
      probe('next', async () => pass(`undone: ${isUndone}`)),
    ])
    const { runs } = await done
    expect(runs[0]).toMatchObject({
      verdict: 'fail',
      found: expect.stringMatching(/stopped: no result within/),
    })
    expect(runs[1]).toMatchObject({ verdict: 'pass', found: 'undone: true' })
  })

  it('removes what a probe creates after its time-out', async () => {
    let makeLate = () => {}
    const undone = new Promise<void>((resolve) => {
      makeLate = resolve
    })
    const hung = probe(
      'late',
      async ({ defer, signal }) => {
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        // By then the runner has closed its list.
        await new Promise((resolve) => setTimeout(resolve, 20))
        defer({ what: 'late', command: 'rm', undo: async () => makeLate() })
        return never
      },
      { limitMs: 10 },
    )
    await start([hung]).done
    await undone
  })

  it('stops at an interruption: skips the rest, and removes everything', async () => {
    const undone: string[] = []
    let interrupt = () => {}
    const { done, stop } = start([
      probe('for later', async ({ deferToEnd }) => {
        deferToEnd({ what: 'shared', command: 'rm', undo: async () => void undone.push('shared') })
        return pass('made')
      }),
      probe('interrupted', ({ defer }) => {
        defer({ what: 'own', command: 'rm', undo: async () => void undone.push('own') })
        interrupt()
        return never
      }),
      probe('never begun', async () => pass('no')),
    ])
    interrupt = () => stop.abort(new Error('the selfcheck was interrupted'))
    const { runs } = await done
    expect(runs.map(({ probe: { id }, verdict }) => [id, verdict])).toEqual([
      ['for later', 'pass'],
      ['interrupted', 'fail'],
    ])
    expect(undone).toEqual(['own', 'shared'])
  })

  it('reports what could not be removed, and how to, even when the removal hangs', async () => {
    const { done } = start([
      probe('litters', async ({ defer, deferToEnd }) => {
        deferToEnd({ what: 'the stack', command: 'nexus down', undo: () => never })
        defer({ what: 'the disk', command: 'hdiutil detach', undo: () => Promise.reject(new Error('busy')) })
        return pass('did it')
      }),
    ])
    const { runs, left } = await done
    expect(runs[0]).toMatchObject({ verdict: 'fail', found: expect.stringContaining('did it; it left') })
    expect(left).toEqual([
      'the disk (busy); remove it: hdiutil detach',
      'the stack (not removed within 0 s); remove it: nexus down',
    ])
  })

  it('limits the total time, without set-up', async () => {
    const { done } = start(
      [
        probe('a', () => never),
        probe('set-up', async ({ signal }) => pass(`stopped: ${signal.aborted}`), { isUntimed: true }),
        probe('b', () => never),
      ],
      { limitMs: 30 },
    )
    expect((await done).runs.map(({ probe: { id }, found }) => [id, found])).toEqual([
      ['a', 'stopped: no result within 0 s'],
      ['set-up', 'stopped: false'],
      ['b', 'stopped: no result within 0 s'],
    ])
  })
})
