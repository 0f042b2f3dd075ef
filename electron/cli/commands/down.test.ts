// `nexus down` whose core dies in the middle: living processes in the ledger are left, and are named.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { expect, it, onTestFinished } from 'vitest'
import type { SupervisedId } from '../../contract/service-ids.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import { sampleSnapshot } from '../../contract/test-support/sample-snapshot.ts'
import { openLedger } from '../../core/supervise/ledger.ts'
import type { CommandNamed } from '../arguments.ts'
import type { CliContext } from '../context.ts'
import { createTestContext, openTestCore, type TestCore } from '../test-support/core.ts'
import { removeUnlessServed } from '../tried-stack.ts'
import { runDown } from './down.ts'

const down: CommandNamed<'down'> = {
  name: 'down',
  only: null,
  eject: false,
  now: true,
  force: false,
  json: false,
}

/** A process that lives as long as the test, recorded in the ledger as ours. */
const startService = async (service: SupervisedId, { folder, platform }: CliContext): Promise<number> => {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' })
  onTestFinished(() => void child.kill('SIGKILL'))
  const pid = child.pid ?? 0
  const identity = await platform.processes.readIdentity(pid)
  if (identity === null) throw new Error('sleep did not start')
  const logMark = { previous: 0, offset: 0 }
  const spawnedAtMs = Date.now()
  openLedger(folder.ledgerPath).record({
    service,
    ...identity,
    argv: ['sleep', '60'],
    profile: 'demo',
    spawnedAtMs,
    logMark,
  })
  return pid
}

const openCoreThatDies = async (context: CliContext): Promise<void> => {
  const core: TestCore = await openTestCore(context, {
    dispatch: async () => {
      setTimeout(core.die, 20)
      return { accepted: true }
    },
  })
}

it('fails and names what is left when the core dies before everything is stopped', async () => {
  const { context, printed, said } = createTestContext()
  const pid = await startService('llamaServer', context)
  await openCoreThatDies(context)
  expect(await runDown(down, context)).toBe(1)
  expect(printed).toEqual([])
  expect(said).toEqual([
    `The core ended before everything was stopped, and left the AI Engine (pid ${pid}) running. nexus down stops what is left.`,
  ])
})

it.each([
  ['nothing is left', null],
  ['the Router alone was to stop', 'proxy'],
] as const)('is done when %s', async (_, only) => {
  const { context, printed, said } = createTestContext()
  if (only !== null) await startService('llamaServer', context)
  await openCoreThatDies(context)
  expect(await runDown({ ...down, only }, context)).toBe(0)
  expect(said).toEqual([])
  expect(printed).toHaveLength(1)
})

it('keeps the state folder of a tried stack while one of its servers lives', async () => {
  const { context } = createTestContext()
  expect(await removeUnlessServed(context)).toBe(true)
  expect(existsSync(context.folder.root)).toBe(false)
  const other = createTestContext().context
  await startService('proxy', other)
  expect(await removeUnlessServed(other)).toBe(false)
  expect(existsSync(other.folder.root)).toBe(true)
})

it('names the downloads that the core continues after a stop', async () => {
  const { context, printed } = createTestContext()
  const gone = { ...sampleSnapshot.services.proxy, phase: 'stopped', pid: null } as const
  const snapshot: Snapshot = {
    ...sampleSnapshot,
    owner: { ...sampleSnapshot.owner, background: false },
    services: { ramDisk: gone, llamaServer: gone, proxy: gone },
    fetches: [
      {
        id: 'a/b',
        file: null,
        doneBytes: 0,
        totalBytes: null,
        bytesPerSecond: null,
        secondsLeft: null,
        phase: 'listing',
        reason: null,
      },
    ],
  }
  await openTestCore(context, {
    readSnapshot: async () => snapshot,
    watch: (tell) => ({
      begun: Promise.resolve().then(() => tell(snapshot)),
      setWatched: () => {},
      stop: () => {},
    }),
  })
  expect(await runDown(down, context)).toBe(0)
  expect(printed).toEqual([
    'Everything is stopped. The core keeps downloading a/b; nexus model cancel stops that.',
  ])
})
