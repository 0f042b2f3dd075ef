// That nobody could look at a process is no end of it: a table that fails now and then, as a machine that swaps makes it.
import { openSync } from 'node:fs'
import { expect, it } from 'vitest'
import { adoptProcess, spawnOwned } from './child-process.ts'
import type { ProcessIdentity, ProcessTable } from './platform/platform.ts'

type Answer = ProcessIdentity | null | 'not told'

/** Answers one after the other, the last one again and again. */
const tableOf = (...answers: readonly Answer[]) => {
  let asked = 0
  const processes: ProcessTable = {
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

it('an adopted server that cannot be looked at goes on living', async () => {
  const identity = { pid: 811, startedAt: 'then' }
  const { processes, asked } = tableOf(identity, 'not told', 'not told', identity, null)
  const { exited } = adoptProcess(identity, processes)
  expect(await exited).toEqual({ exitCode: null, signal: null })
  expect(asked()).toBe(5)
})

it('a child that cannot be looked at yet is not lost sight of', async () => {
  const identity = { pid: 811, startedAt: 'now' }
  // It ends by itself: its real pid is not told here.
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
