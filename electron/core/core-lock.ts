// Exactly one core per state folder: a lock that the kernel holds, so it ends with the process, however that ends.
import { chmodSync, existsSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'
import { type LogError, logToStderr } from './core-log.ts'
import { messageOf } from './error-message.ts'
import { readRecord } from './json-record.ts'
import { isErrno, writePrivateFile } from './private-file.ts'

export interface CoreLock {
  release(): void
}

const OwnerSchema = z.object({ pid: z.number().int(), host: z.enum(['app', 'cli']), since: z.number() })
export type LockOwner = Readonly<z.infer<typeof OwnerSchema>>

/**
 * Takes the lock or answers null when another living process has it.
 *
 * SQLite's exclusive transaction is an fcntl(2) lock on the file: unlike a pid file it cannot go stale after kill -9,
 * and two starters cannot both win (sqlite.org/lockingv3.html). `owner` is written beside it only to be shown: where it
 * cannot be (a full disk), `logError` is told, and nobody is shown.
 */
export const acquireCoreLock = (
  lockPath: string,
  owner: LockOwner,
  logError: LogError = logToStderr,
): CoreLock | null => {
  const database = new DatabaseSync(lockPath)
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
    chmodSync(lockPath, 0o600)
  } catch (error) {
    database.close()
    if (isErrno(error, 'ERR_SQLITE_ERROR') && error instanceof Error && error.message.includes('locked'))
      return null
    throw error
  }
  try {
    writePrivateFile(ownerPath(lockPath), JSON.stringify(owner), { about: 'processes' })
  } catch (error) {
    logError(new Error(`who hosts the core could not be written down: ${messageOf(error)}`))
    forgetOwner(lockPath)
  }
  return { release: () => database.close() }
}

/** Who held the lock before must not be shown as who holds it. */
const forgetOwner = (lockPath: string): void => {
  try {
    rmSync(ownerPath(lockPath), { force: true })
  } catch {
    // What cannot be removed stays: it is text to show, and proves nothing.
  }
}

/**
 * Whether some process has the lock. Reading a database that another process has locked exclusively fails
 * (sqlite.org/lockingv3.html). Writes nothing.
 */
export const isLockHeld = (lockPath: string): boolean => {
  if (!existsSync(lockPath)) return false
  const database = new DatabaseSync(lockPath, { readOnly: true })
  try {
    database.exec('SELECT count(*) FROM sqlite_master')
    return false
  } catch (error) {
    if (error instanceof Error && error.message.includes('locked')) return true
    throw error
  } finally {
    database.close()
  }
}

/** Who wrote the lock last, as text to show; null when it cannot be read. Not proof of life: only the lock is. */
export const readLockOwner = (lockPath: string): LockOwner | null =>
  readRecord(ownerPath(lockPath), OwnerSchema)

const ownerPath = (lockPath: string): string => `${lockPath}.owner.json`
