// Exactly one core per state folder: a lock that the kernel holds, so it ends with the process, however that ends.
import { chmodSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'
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
 * and two starters cannot both win (sqlite.org/lockingv3.html). `owner` is written beside it only to be shown.
 */
export const acquireCoreLock = (lockPath: string, owner: LockOwner): CoreLock | null => {
  const database = new DatabaseSync(lockPath)
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if (isErrno(error, 'ERR_SQLITE_ERROR') && error instanceof Error && error.message.includes('locked'))
      return null
    throw error
  }
  chmodSync(lockPath, 0o600)
  writePrivateFile(ownerPath(lockPath), JSON.stringify(owner), { about: 'processes' })
  return { release: () => database.close() }
}

/** Who wrote the lock last, as text to show; null when it cannot be read. Not proof of life: only the lock is. */
export const readLockOwner = (lockPath: string): LockOwner | null =>
  readRecord(ownerPath(lockPath), OwnerSchema)

const ownerPath = (lockPath: string): string => `${lockPath}.owner.json`
