// Allows one set-up at a time per step: the second waits, then finds the work done.
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { makeFolders, requireRegularIfThere } from '../base/regular-file.ts'
import type { SetupContext, SetupStepId } from './setup-step.ts'

const retryMs = 250
/** SQLITE_BUSY (sqlite.org/rescode.html). */
const busyCode = 5

/** Runs `work` while holding the lock of `step`. */
export const withSetupLock = async <T>(
  context: SetupContext,
  step: SetupStepId,
  work: () => Promise<T>,
): Promise<T> => {
  makeFolders(context.runtimeDir)
  const onWait = () => context.report({ step, message: 'Waiting for another set-up of the same part' })
  return withFileLock(join(context.runtimeDir, `.${step}.lock`), { signal: context.signal, onWait }, work)
}

export interface LockWait {
  readonly signal: AbortSignal
  /** Called when another process has the lock. */
  readonly onWait: () => void
}

/**
 * The lock is an exclusive SQLite transaction, i.e. an fcntl(2) lock that the kernel releases however its process ends: unlike
 * a lock folder with a pid, a killed process can't block the next one.
 */
export const withFileLock = async <T>(
  path: string,
  { signal, onWait }: LockWait,
  work: () => Promise<T>,
): Promise<T> => {
  let database = tryLock(path)
  if (database === null) onWait()
  while (database === null) {
    await delay(retryMs, undefined, { signal })
    database = tryLock(path)
  }
  try {
    return await work()
  } finally {
    database.close()
  }
}

const tryLock = (path: string): DatabaseSync | null => {
  requireRegularIfThere(path)
  const database = new DatabaseSync(path)
  try {
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
    return database
  } catch (error) {
    database.close()
    if (error instanceof Error && 'errcode' in error && error.errcode === busyCode) return null
    throw error
  }
}
