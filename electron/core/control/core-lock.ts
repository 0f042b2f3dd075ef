// One core per state folder: a kernel lock, which ends with the process, however that ends.
import { chmodSync, existsSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'
import { messageOf } from '../base/error-message.ts'
import { readRecord } from '../base/json-record.ts'
import { isErrno, writePrivateFile } from '../base/private-file.ts'
import { requireRegularIfThere } from '../base/regular-file.ts'
import { type LogError, logToStderr } from '../logs/core-log.ts'

const OwnerSchema = z.object({ pid: z.number().int(), since: z.number() })
export type LockOwner = Readonly<z.infer<typeof OwnerSchema>>

/** Readers hold their lock for microseconds; a core waits at most this long for a reader suspended meanwhile. */
const readerPatienceMs = 200

/**
 * Takes the lock; null when another running process has it.
 *
 * SQLite's locks are fcntl(2) locks on the file: unlike a pid file they cannot go stale after kill -9. Two steps
 * (sqlite.org/lockingv3.html): RESERVED decides who is the core, since only one process can hold it and a reader's SHARED
 * lock does not block it; a single step to EXCLUSIVE mistook any reader for another core (issue 11). Then EXCLUSIVE shows it
 * to readers. While a reader is still active, that step stops at PENDING, which keeps out new readers and cores just as
 * well. In locking mode EXCLUSIVE the connection keeps both locks, whatever happens to the transaction.
 *
 * `owner` is saved beside it for display only: a failed write (a full disk) goes to `logError`, and no owner is shown.
 */
export const acquireCoreLock = (lockPath: string, owner: LockOwner, logError: LogError = logToStderr) => {
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
    logError(new Error(`could not save which process hosts the core: ${messageOf(error)}`))
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

/** The previous holder must not be shown as the current one. */
const forgetOwner = (lockPath: string): void => {
  try {
    rmSync(ownerPath(lockPath), { force: true })
  } catch {
    // If it can't be removed it stays: it is for display and proves nothing.
  }
}

/**
 * Whether some process has the lock. Reading a database that another process has locked exclusively fails
 * (sqlite.org/lockingv3.html). Writes nothing and blocks no core.
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

/** The last holder, for display; null when unreadable. It may be dead: only the lock proves life. */
export const readLockOwner = (lockPath: string): LockOwner | null =>
  readRecord(ownerPath(lockPath), OwnerSchema)

const ownerPath = (lockPath: string): string => `${lockPath}.owner.json`
