// Keeps one log file and its earlier generations within bounds while the child keeps writing to the same file.
import { chmod, copyFile, constants as fsConstants, rm } from 'node:fs/promises'
import { messageOf } from '../base/error-message.ts'
import { isErrno } from '../base/private-file.ts'
import { lookAtChanges } from './file-change.ts'
import { generationPath, readFileBytes, readGenerationNumbers, temporaryPath } from './log-generations.ts'
import { finishInterruptedSwitch, pruneGenerations, switchGeneration } from './log-switch.ts'

export interface LogRotationOptions {
  readonly path: string
  /** Rotates the file once it is at least this large. */
  readonly maxBytes: number
  /** Earlier generations to keep, at least 1. */
  readonly keep: number
  readonly onError: (error: Error) => void
}

const restMs = 500
const leastCatchUpBytes = 256 * 1024

/**
 * Copy, then truncate: the child keeps its descriptor, notices nothing and never waits, because nothing locks the file.
 * copyFile works in the kernel (a reflink if the file system can), so our memory stays flat.
 *
 * Possible loss: whatever the child writes between our last read, which found nothing more, and the truncation right after
 * it: two system calls, a few microseconds, once per rotation. A child that writes faster than the disk copies (hundreds of
 * MB a second) loses more, and a line in the new generation says how much. Nothing is ever repeated.
 *
 * Disk space: `keep` generations, the file and the copy, about (keep + 2) * maxBytes, plus what a flood adds between two
 * checks (500 ms, longer on a busy machine). Generations that a flood made larger are dropped earlier, except the newest two.
 *
 * If we crash at any point, that leaves either a stale copy (LOG.tmp, deleted by the next rotation) or an unfinished switch
 * (LOG.next), which the next check completes.
 */
const rotate = async ({ path, maxBytes, keep }: LogRotationOptions): Promise<void> => {
  const copyPath = temporaryPath(path)
  await rm(copyPath, { force: true })
  // The copy inherits the log's mode, which may have been changed: set 0600 anyway.
  await copyFile(path, copyPath, fsConstants.COPYFILE_EXCL | fsConstants.COPYFILE_FICLONE)
  await chmod(copyPath, 0o600)
  const mostBytes = Math.max(maxBytes, leastCatchUpBytes)
  switchGeneration(path, mostBytes)
  pruneGenerations(path, { keep, maxTotalBytes: (keep + 1) * mostBytes })
}

/** On a full disk the copy fails: delete the oldest generation, and the next check tries again. */
const makeRoom = async (path: string, error: unknown): Promise<void> => {
  await rm(temporaryPath(path), { force: true })
  const oldest = readGenerationNumbers(path).at(-1)
  if (oldest !== undefined && isErrno(error, 'ENOSPC'))
    await rm(generationPath(path, oldest), { force: true })
}

/** Two cores never rotate the same log: only the core that holds the lock does. */
export const createLogRotation = (options: LogRotationOptions) => {
  const { path, maxBytes, onError } = options
  let running: Promise<boolean> | null = null
  let toldError: string | null = null

  const checkOnce = async (): Promise<boolean> => {
    if (finishInterruptedSwitch(path, maxBytes)) return true
    if (readFileBytes(path) < maxBytes) return false
    await rotate(options)
    toldError = null
    return true
  }
  const recover = async (thrown: unknown): Promise<boolean> => {
    await makeRoom(path, thrown).catch(() => {})
    // Otherwise a full disk would be reported at every check.
    if (messageOf(thrown) !== toldError) onError(new Error(messageOf(thrown), { cause: thrown }))
    toldError = messageOf(thrown)
    return false
  }
  /** Rotates now if the file is large enough; returns whether it did. Never rejects: errors go to `onError`. */
  const check = (): Promise<boolean> => {
    running ??= checkOnce()
      .catch(recover)
      .finally(() => {
        running = null
      })
    return running
  }
  /** Checks when the log has grown, at most twice a second. Returns the undo. */
  const connect = (): (() => void) => lookAtChanges(path, () => check().then(() => true), restMs)
  return { check, connect }
}
