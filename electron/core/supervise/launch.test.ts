// One launch: what keeps it from spawning, and the child of ours that it finds instead of spawning another.
import { expect, it } from 'vitest'
import type { ForeignProcess } from '../../contract/snapshot.ts'
import type { ProcessTable } from '../platform/platform.ts'
import { type LaunchOptions, launch } from './launch.ts'

const argv = ['llama-server', '--port', '8080'] as const
const owner: ForeignProcess = { pid: 2 ** 30, command: 'llama-server', user: 'ann' }

const tableWith = (found: readonly string[] | null, portOwner: ForeignProcess | null): ProcessTable => ({
  identityCost: 'file',
  readIdentity: async (pid) => ({ pid, startedAt: '99@boot' }),
  readGroupMembers: async () => [],
  readPortOwner: async () => portOwner,
  readArgv: async () => found,
})

const options = (change: Partial<LaunchOptions> = {}): LaunchOptions => ({
  service: {
    id: 'llamaServer',
    port: 8080,
    endpoint: 'http://127.0.0.1:8080',
    prepare: async () => ({ argv, env: {}, cwd: '/' }),
    probe: async () => ({ state: 'ready' }),
    explainExit: () => ({ reason: 'it ended', permanent: false }),
  },
  processes: tableWith(null, null),
  log: {
    open: () => {
      throw new Error('nothing may be spawned')
    },
  },
  describeForeign: async () => 'nexus up --replace-foreign ends it',
  isWanted: () => true,
  now: () => 1_700_000_000_000,
  ...change,
})

it('fails with the reason when the service cannot be prepared', async () => {
  const { service } = options()
  const prepare = () => Promise.reject(new Error('the model /m/a.gguf does not exist'))
  expect(await launch(options({ service: { ...service, prepare } }))).toEqual({
    kind: 'failed',
    detail: { reason: 'the model /m/a.gguf does not exist' },
  })
})

it.each([
  ['while it is prepared', 0],
  ['while the port is looked at', 1],
])('spawns nothing when an order overtakes it %s', async (_, asks) => {
  let asked = 0
  const isWanted = () => {
    asked += 1
    return asked <= asks
  }
  expect(await launch(options({ isWanted }))).toEqual({ kind: 'overtaken' })
})

it('takes over a process on the port that runs its own command line', async () => {
  const launched = await launch(options({ processes: tableWith(argv, owner) }))
  if (launched.kind !== 'running') throw new Error(`it is ${launched.kind}`)
  launched.running.process.release()
  expect(launched).toMatchObject({
    argv,
    running: { process: { identity: { pid: owner.pid }, adopted: true }, startedMs: 1_700_000_000_000 },
  })
})

it.each([
  ['another command line', ['llama-server', '--port', '8081'], owner],
  ['a process that cannot be looked at', null, { pid: null, command: null, user: null }],
])('fails on %s, and says what to do', async (_, found, portOwner) => {
  expect(await launch(options({ processes: tableWith(found, portOwner) }))).toMatchObject({
    kind: 'failed',
    detail: {
      foreign: portOwner,
      reason: expect.stringMatching(/^port 8080 of the AI Engine is held by .*; nexus up --replace-foreign/),
    },
  })
})
