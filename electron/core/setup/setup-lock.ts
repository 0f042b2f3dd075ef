// One set-up at a time for each thing that is installed: the second waits, then finds the work done.
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { makeFolders } from '../base/regular-file.ts'
import type { SetupContext, SetupStepId } from './setup-step.ts'

const retryMs = 250
/** SQLITE_BUSY (sqlite.org/rescode.html). */
const busyCode = 5

/**
 * Runs `work` while holding the lock of `step`.
 *
 * The lock is SQLite's exclusive transaction, an fcntl(2) lock that the kernel drops when its process ends, however it ends: a
 * killed set-up cannot wedge the next one, which a lock folder with a pid in it can.
 */
export const withSetupLock = async <T>(
  context: SetupContext,
  step: SetupStepId,
  work: () => Promise<T>,
): Promise<T> => {
  makeFolders(context.runtimeDir)
  const path = join(context.runtimeDir, `.${step}.lock`)
  let database = tryLock(path)
  if (database === null)
    context.report({ step, message: 'Waiting for another set-up that is installing the same thing' })
  while (database === null) {
    await delay(retryMs, undefined, { signal: context.signal })
    database = tryLock(path)
  }
  try {
    return await work()
  } finally {
    database.close()
  }
}

const tryLock = (path: string): DatabaseSync | null => {
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
