// The lock is held, but nothing listens.
import { expect, it } from 'vitest'
import { acquireCoreLock } from '../core/control/core-lock.ts'
import { attachToRunning, readHost } from './attach.ts'
import { createTestContext, openTestCore } from './test-support/core.ts'
import { attachToOwn, startingMs } from './unreachable-core.ts'

const holdLock = (lockPath: string, since: number) => {
  const lock = acquireCoreLock(lockPath, { pid: 4242, since })
  if (lock === null) throw new Error('the lock is taken')
  return lock
}

it('names the process and what to do, without waiting as for a start', async () => {
  const { context } = createTestContext()
  const lock = holdLock(context.folder.lockPath, Date.now() - 1_000)
  const beganAt = performance.now()
  await expect(attachToRunning(context)).rejects.toThrow(
    `a core runs (pid 4242), but nothing listens on ${context.folder.socketPath}: kill 4242 ends it alone`,
  )
  expect(performance.now() - beganAt).toBeLessThan(10_000)
  // What needs no core goes on.
  expect(await readHost(context)).toBeNull()
  lock.release()
  expect(await attachToRunning(context)).toBeNull()
})

it('waits for a core that has just taken the lock, and attaches once it listens', async () => {
  const { context } = createTestContext()
  const lock = holdLock(context.folder.lockPath, Date.now())
  const attached = attachToOwn(context.folder, startingMs)
  await openTestCore(context)
  const client = await attached
  expect(client).not.toBeNull()
  client?.close()
  lock.release()
})

it('finds none when the core with the lock ends meanwhile', async () => {
  const { context } = createTestContext()
  const lock = holdLock(context.folder.lockPath, Date.now())
  const attached = attachToOwn(context.folder, startingMs)
  lock.release()
  expect(await attached).toBeNull()
})
