// Keeps one log file and its earlier generations within bounds while the child keeps writing to the same file.

import {
  appendFileSync,
  chmodSync,
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { chmod, copyFile, constants as fsConstants, rm } from 'node:fs/promises'
import { messageOf } from '../base/error-message.ts'
import { isErrno } from '../base/private-file.ts'
import { lookAtChanges } from './file-change.ts'
import {
  generationPath,
  nextPath,
  readFileBytes,
  readGenerationNumbers,
  temporaryPath,
} from './log-generations.ts'

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
  if (!isErrno(error, 'ENOSPC')) return
  for (const oldest of readGenerationNumbers(path).slice(-1)) await rm(generationPath(path, oldest))
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

const blockBytes = 64 * 1024
const proofBytes = 4096

/**
 * Appends the rest of the log to the copy, and truncates the log in the very next system call after finding no more.
 * @param maxCatchUpBytes the most to copy while the event loop waits; beyond it, a line in the copy says how much was lost
 */
const appendRestAndTruncate = (log: number, copy: number, maxCatchUpBytes: number): void => {
  const block = Buffer.alloc(blockBytes)
  const start = fstatSync(copy).size
  let position = start
  for (;;) {
    const bytesRead = readSync(log, block, 0, block.length, position)
    if (bytesRead === 0) {
      ftruncateSync(log, 0)
      return
    }
    for (let written = 0; written < bytesRead; ) {
      written += writeSync(copy, block, written, bytesRead - written)
    }
    position += bytesRead
    if (position - start > maxCatchUpBytes) break
  }
  const lostBytes = Math.max(0, fstatSync(log).size - position)
  ftruncateSync(log, 0)
  appendFileSync(
    copy,
    `\n[log rotation: about ${lostBytes} bytes lost, written faster than the disk copies]\n`,
  )
}

const finishFromNext = (path: string, maxCatchUpBytes: number): void => {
  const log = openSync(path, 'r+')
  try {
    const copy = openSync(nextPath(path), 'a')
    try {
      appendRestAndTruncate(log, copy, maxCatchUpBytes)
    } finally {
      closeSync(copy)
    }
  } finally {
    closeSync(log)
  }
  nameNext(path)
}

const nameNext = (path: string): void =>
  renameSync(nextPath(path), generationPath(path, (readGenerationNumbers(path)[0] ?? 0) + 1))

/** Turns LOG.tmp, a copy of the log's beginning, into the newest generation. Must not await: see the order in log-generations.ts. */
export const switchGeneration = (path: string, maxCatchUpBytes: number): void => {
  renameSync(temporaryPath(path), nextPath(path))
  finishFromNext(path, maxCatchUpBytes)
}

const readBlockAt = (path: string, position: number, length: number): Buffer => {
  const fd = openSync(path, 'r')
  try {
    const block = Buffer.alloc(length)
    return block.subarray(0, readSync(fd, block, 0, length, position))
  } finally {
    closeSync(fd)
  }
}

/** Whether the log still begins with all of LOG.next: then the crash came before the truncation. */
const stillHolds = (path: string, copiedBytes: number): boolean => {
  const length = Math.min(proofBytes, copiedBytes)
  const position = copiedBytes - length
  const inLog = readBlockAt(path, position, length)
  return inLog.length === length && inLog.equals(readBlockAt(nextPath(path), position, length))
}

/** Completes a switch that our crash cut short, without losing or repeating a line. Returns whether there was one. */
export const finishInterruptedSwitch = (path: string, maxCatchUpBytes: number): boolean => {
  const next = statSync(nextPath(path), { throwIfNoEntry: false })
  if (next === undefined) return false
  // Its content did not survive a power failure.
  if (next.size === 0) {
    rmSync(nextPath(path))
    return false
  }
  chmodSync(nextPath(path), 0o600)
  if (existsSync(path) && stillHolds(path, next.size)) finishFromNext(path, maxCatchUpBytes)
  else nameNext(path)
  return true
}

/** Deletes generations beyond `keep`, and the oldest while their total exceeds `maxTotalBytes`. */
export const pruneGenerations = (
  path: string,
  { keep, maxTotalBytes }: { readonly keep: number; readonly maxTotalBytes: number },
): void => {
  let totalBytes = 0
  for (const [age, generation] of readGenerationNumbers(path).entries()) {
    const name = generationPath(path, generation)
    totalBytes += readFileBytes(name)
    // Always keep the newest two: what just happened, and what a reader may be in the middle of.
    if (age >= keep || (age > 1 && totalBytes > maxTotalBytes)) rmSync(name, { force: true })
  }
}
