// How the end of a process is noticed, with a process table that fails now and then, as on a machine that swaps.
import { openSync } from 'node:fs'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createPlatform } from '../platform/detect-platform.ts'
import type { ProcessIdentity, ProcessTable } from '../platform/platform.ts'
import { startSleeper, startTestChild, type TestChild } from '../platform/test-support/child.ts'
import { adoptProcess, endLeftovers, spawnOwned } from './child-process.ts'

type Answer = ProcessIdentity | null | 'not told'

/** Answers one after the other, the last one again and again. */
const tableOf = (...answers: readonly Answer[]) => {
  let asked = 0
  const processes: ProcessTable = {
    identityCost: 'program',
    readIdentity: async () => {
      const answer = answers[Math.min(asked, answers.length - 1)] ?? null
      asked += 1
      if (answer === 'not told') throw new Error('ps did not answer within 10000 ms')
      return answer
    },
    readArgv: async () => null,
    readGroupMembers: async () => [],
    readPortOwner: async () => null,
  }
  return { processes, asked: () => asked }
}

describe('an adopted server', () => {
  let child: TestChild | null = null
  const startAdopted = async (...answers: readonly Answer[]) => {
    child = await startSleeper()
    const identity = { pid: child.pid, startedAt: 'then' }
    const { processes, asked } = tableOf(
      ...answers.map((answer) => (answer === 'not told' || answer === null ? answer : identity)),
    )
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    const adopted = adoptProcess(identity, processes)
    let ended = false
    void adopted.exited.then(() => {
      ended = true
    })
    return { adopted, asked, hasEnded: () => ended }
  }
  afterEach(async () => {
    vi.restoreAllMocks()
    vi.useRealTimers()
    await child?.end()
    child = null
  })
  const lives: Answer = { pid: 1, startedAt: 'then' }

  // On macOS each of these looks is a run of `ps`: issue 11 counted 19 in 5 s.
  it('has its identity read once in 5 s', async () => {
    const { asked, hasEnded, adopted } = await startAdopted(lives)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(asked()).toBeGreaterThanOrEqual(10)
    expect(asked()).toBeLessThanOrEqual(12)
    expect(hasEnded()).toBe(false)
    adopted.release()
  })

  it('is known to have ended a quarter of a second later, by one such question', async () => {
    const { asked, hasEnded, adopted } = await startAdopted(null)
    await vi.advanceTimersByTimeAsync(4_000)
    expect([asked(), hasEnded()]).toEqual([0, false])
    await child?.end()
    await vi.advanceTimersByTimeAsync(250)
    expect([asked(), hasEnded()]).toEqual([1, true])
    expect(await adopted.exited).toEqual({ exitCode: null, signal: null })
  })

  it('whose pid passed to another process, or became a zombie, is found out all the same', async () => {
    const { hasEnded } = await startAdopted(lives, null)
    await vi.advanceTimersByTimeAsync(5_500)
    expect(hasEnded()).toBe(false)
    await vi.advanceTimersByTimeAsync(5_500)
    expect(hasEnded()).toBe(true)
  })

  it('that became a zombie and does not answer has its identity read at once', async () => {
    const { adopted, asked, hasEnded } = await startAdopted(lives, null)
    adopted.doubt()
    await vi.advanceTimersByTimeAsync(250)
    expect([asked(), hasEnded()]).toEqual([1, false])
    adopted.doubt()
    await vi.advanceTimersByTimeAsync(250)
    expect([asked(), hasEnded()]).toEqual([2, true])
  })

  // Its core was killed, and the init of a container may never ask for its end.
  it.runIf(process.platform === 'linux')('has ended on Linux as soon as it is a zombie', async () => {
    // The shell becomes `sleep`, which never waits for the child it inherits.
    child = await startTestChild('/bin/sh', ['-c', 'sleep 300 & echo $!\nexec sleep 300'])
    const server = Number(child.firstLine)
    const { processes } = createPlatform({ ramDiskRoot: '/nonexistent' })
    await expect.poll(() => processes.readArgv(child?.pid ?? 0)).toEqual(['sleep', '300'])
    const identity = await processes.readIdentity(server)
    if (identity === null) throw new Error('the server did not start')
    // A clock that stands still: what is only looked at every 5 s is never looked at.
    vi.useFakeTimers({ toFake: ['performance'] })
    const adopted = adoptProcess(identity, processes)
    process.kill(server, 'SIGKILL')
    expect(await adopted.exited).toEqual({ exitCode: null, signal: null })
    expect(() => process.kill(server, 0)).not.toThrow()
  })

  it('counts as alive when the lookup fails', async () => {
    const { asked, hasEnded } = await startAdopted('not told', 'not told', lives, null)
    await vi.advanceTimersByTimeAsync(16_000)
    expect([asked(), hasEnded()]).toEqual([3, false])
    await vi.advanceTimersByTimeAsync(5_500)
    expect([asked(), hasEnded()]).toEqual([4, true])
  })

  it('whose group ignores SIGKILL for a while is not listed every 20 ms', async () => {
    const { child: member, listed, processes } = await startStuckGroup()
    const left = endLeftovers(member.pid, processes)
    await vi.advanceTimersByTimeAsync(15_100)
    expect(await left).toEqual([member.pid])
    expect(listed()).toBeLessThanOrEqual(152)
  })

  const startStuckGroup = async () => {
    const member = await startSleeper()
    child = member
    let lists = 0
    const { processes } = tableOf(null)
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    // A process in the kernel's hands outlives SIGKILL; that it is still there is what kill(2) says then.
    vi.spyOn(process, 'kill').mockReturnValue(true)
    return {
      child: member,
      listed: () => lists,
      processes: {
        ...processes,
        readGroupMembers: async () => {
          lists += 1
          return [member.pid]
        },
      },
    }
  }
})

it('keeps a child whose identity cannot be read yet', async () => {
  const identity = { pid: 811, startedAt: 'now' }
  // It ends by itself: its real pid is not known here.
  const spec = { argv: ['/bin/sleep', '1'], cwd: '/', env: {} } as const
  const { processes } = tableOf('not told', identity)
  const outcome = await spawnOwned(spec, openSync('/dev/null', 'w'), processes)
  if (outcome.kind !== 'spawned') throw new Error(`it is ${outcome.kind}`)
  expect(outcome.process.identity).toEqual(identity)
  expect(await outcome.process.exited).toEqual({ exitCode: 0, signal: null })
})

it('one that ended meanwhile has ended', async () => {
  const spec = { argv: ['/bin/false'], cwd: '/', env: {} } as const
  const { processes } = tableOf('not told')
  expect(await spawnOwned(spec, openSync('/dev/null', 'w'), processes)).toEqual({
    kind: 'ended',
    exit: { exitCode: 1, signal: null },
  })
})

it('one that ended at once leaves nothing behind in its group', async () => {
  const { readGroupMembers } = createPlatform({ ramDiskRoot: '/nonexistent' }).processes
  const groups: number[] = []
  const processes: ProcessTable = {
    ...tableOf(null).processes,
    readGroupMembers: (groupId) => {
      groups.push(groupId)
      return readGroupMembers(groupId)
    },
  }
  const spec = { argv: ['/bin/sh', '-c', 'sleep 300 & exit 3'], cwd: '/', env: {} } as const
  expect(await spawnOwned(spec, openSync('/dev/null', 'w'), processes)).toEqual({
    kind: 'ended',
    exit: { exitCode: 3, signal: null },
  })
  expect(groups.length).toBeGreaterThan(0)
  expect(await readGroupMembers(groups[0] ?? 0)).toEqual([])
})
