// A core that accepts connections but never answers: every command that asks it ends, and names the core. Following one that
// answers ends with the condition, the reason of an interruption, or null when the core dies.
import { expect, it, onTestFinished, vi } from 'vitest'
import { sampleSnapshot } from '../contract/test-support/sample-snapshot.ts'
import { attachToCore } from '../core/control/client.ts'
import { acquireCoreLock } from '../core/control/core-lock.ts'
import { parseArguments } from './arguments.ts'
import { followUntil } from './core-answer.ts'
import { runCommand } from './run-command.ts'
import { createTestContext, openTestCore } from './test-support/core.ts'

it.each(['status', 'status --watch', 'up', 'down', 'restart'])('nexus %s gives up on it', async (words) => {
  const { context, printed } = createTestContext()
  const owner = { pid: 4711, since: 0 } as const
  const lock = acquireCoreLock(context.folder.lockPath, owner)
  onTestFinished(() => lock?.release())
  const asked = vi.fn()
  const core = await openTestCore(context, {
    readSnapshot: () => {
      asked()
      return new Promise(() => {})
    },
    watch: () => {
      asked()
      return { begun: new Promise(() => {}), setWatched: () => {}, stop: () => {} }
    },
  })
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const ended = runCommand(parseArguments(words.split(' ')), context).catch((error: unknown) => error)
  // Not `poll`, which waits by the timers that stand still.
  while (asked.mock.calls.length === 0) await new Promise((resolve) => setImmediate(resolve))
  vi.advanceTimersByTime(10_000)
  expect(await ended).toEqual(new Error('the core (pid 4711) does not answer: nexus doctor says more'))
  vi.useRealTimers()
  await expect.poll(() => core.connected()).toBe(0)
  expect(printed).toEqual([])
})

const openWatchedCore = async () => {
  const { context } = createTestContext()
  let watchers = 0
  const core = await openTestCore(context, {
    watch: (tell) => {
      watchers += 1
      return {
        begun: Promise.resolve().then(() => tell(sampleSnapshot)),
        setWatched: () => {},
        stop: () => {
          watchers -= 1
        },
      }
    },
  })
  const client = await attachToCore(context.folder.socketPath)
  if (client === null) throw new Error('the core does not listen')
  return { core, client, watchers: () => watchers }
}

it('settles with the first fitting snapshot, and stops watching', async () => {
  const { client, watchers } = await openWatchedCore()
  expect(await followUntil(client, ({ overall }) => overall === sampleSnapshot.overall)).toEqual(
    sampleSnapshot,
  )
  await expect.poll(watchers).toBe(0)
})

it('rejects with the reason of an interruption, and stops watching', async () => {
  const { client, watchers } = await openWatchedCore()
  const stop = new AbortController()
  const onSnapshot = () => stop.abort(new Error('interrupted'))
  await expect(followUntil(client, () => false, onSnapshot, stop.signal)).rejects.toThrow('interrupted')
  await expect.poll(watchers).toBe(0)
})

it('settles with null when the core dies', async () => {
  const { client, core } = await openWatchedCore()
  expect(await followUntil(client, () => false, core.die)).toBeNull()
})
