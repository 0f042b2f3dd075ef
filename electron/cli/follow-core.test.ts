// Following a core: it ends with the condition, the reason of an interruption, or null when the core dies.
import { expect, it } from 'vitest'
import { sampleSnapshot } from '../contract/test-support/sample-snapshot.ts'
import { attachToCore } from '../core/control/client.ts'
import { followUntil } from './follow-core.ts'
import { createTestContext, openTestCore } from './test-support/core.ts'

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
