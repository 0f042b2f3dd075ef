// Looking for a core creates and changes nothing.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { locateStateFolder } from '../core/config/state-folder.ts'
import { acquireCoreLock } from '../core/control/core-lock.ts'
import { createPlatform } from '../core/platform/detect-platform.ts'
import { attachToOwn, attachToRunning, readHost, readOrphans, startingMs } from './attach.ts'
import { createTestContext, openTestCore } from './test-support/core.ts'

const readerOf = (root: string) => {
  const folder = locateStateFolder({ NEXUS_HOME: root }, process.platform, homedir())
  return { folder, platform: createPlatform({ ramDiskRoot: folder.ramDiskRoot }) }
}

it('creates no state folder and changes no mode', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'nexus-attach-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  const missing = readerOf(join(dir, 'missing'))
  await expect(attachToRunning(missing)).resolves.toBeNull()
  await expect(readOrphans(missing)).resolves.toEqual([])
  expect(existsSync(missing.folder.root)).toBe(false)
  const open = readerOf(join(dir, 'open'))
  mkdirSync(open.folder.root)
  chmodSync(open.folder.root, 0o755)
  await expect(attachToRunning(open)).resolves.toBeNull()
  expect(statSync(open.folder.root).mode & 0o777).toBe(0o755)
})

/** The lock is held, but nothing listens: a core that starts, ends, or hangs. */
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
