// Exactly one core per state folder: a lock that the kernel holds, so it ends with the process, however that ends.
import { chmodSync, existsSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'
import { messageOf } from '../base/error-message.ts'
import { readRecord } from '../base/json-record.ts'
import { isErrno, writePrivateFile } from '../base/private-file.ts'
import { requireRegularIfThere } from '../base/regular-file.ts'
import { type LogError, logToStderr } from '../logs/core-log.ts'

export interface CoreLock {
  release(): void
}

const OwnerSchema = z.object({ pid: z.number().int(), since: z.number() })
export type LockOwner = Readonly<z.infer<typeof OwnerSchema>>

/** Readers hold their lock for some microseconds; one that was suspended in there keeps a core waiting no longer than this. */
const readerPatienceMs = 200

/**
 * Takes the lock or answers null when another living process has it.
 *
 * SQLite's locks are fcntl(2) locks on the file: unlike a pid file they cannot go stale after kill -9. Two steps
 * (sqlite.org/lockingv3.html): RESERVED, which one process holds at a time and which no reader's SHARED lock is in the way
 * of, decides who is the core; a single step to EXCLUSIVE took any reader for another core (issue 11). Then EXCLUSIVE shows
 * it to readers. While one of them is still reading, that stops at PENDING, which refuses new readers and new cores just
 * as well. In locking mode EXCLUSIVE both stay with the connection, whatever becomes of the transaction.
 *
 * `owner` is written beside it only to be shown: where it cannot be (a full disk), `logError` is told, and nobody is shown.
 */
export const acquireCoreLock = (
  lockPath: string,
  owner: LockOwner,
  logError: LogError = logToStderr,
): CoreLock | null => {
  requireRegularIfThere(lockPath)
  const database = new DatabaseSync(lockPath)
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN IMMEDIATE; ROLLBACK')
    chmodSync(lockPath, 0o600)
    showToReaders(database)
  } catch (error) {
    database.close()
    if (isLocked(error)) return null
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

const showToReaders = (database: DatabaseSync): void => {
  try {
    database.exec(`PRAGMA busy_timeout = ${readerPatienceMs}; BEGIN EXCLUSIVE`)
  } catch (error) {
    if (!isLocked(error)) throw error
  }
}

const isLocked = (error: unknown): boolean =>
  isErrno(error, 'ERR_SQLITE_ERROR') && error instanceof Error && error.message.includes('locked')

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
 * (sqlite.org/lockingv3.html). Writes nothing, and is in no core's way.
 */
export const isLockHeld = (lockPath: string): boolean => {
  if (!existsSync(lockPath)) return false
  requireRegularIfThere(lockPath)
  const database = new DatabaseSync(lockPath, { readOnly: true })
  try {
    database.exec('SELECT count(*) FROM sqlite_master')
    return false
  } catch (error) {
    if (isLocked(error)) return true
    throw error
  } finally {
    database.close()
  }
}

/** Who wrote the lock last, as text to show; null when it cannot be read. Not proof of life: only the lock is. */
export const readLockOwner = (lockPath: string): LockOwner | null =>
  readRecord(ownerPath(lockPath), OwnerSchema)

const ownerPath = (lockPath: string): string => `${lockPath}.owner.json`
