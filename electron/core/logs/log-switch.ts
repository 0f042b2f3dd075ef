// The synchronous core of a rotation: turns a copy of the log into the newest generation and empties the log.
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
import { generationPath, nextPath, readGenerationNumbers, temporaryPath } from './log-generations.ts'

const blockBytes = 64 * 1024
const proofBytes = 4096

export interface SwitchOptions {
  readonly keep: number
  /** The most to copy while the event loop waits; beyond it, a line in the new generation says how much was lost. */
  readonly maxCatchUpBytes: number
}

/** Makes room at LOG.1 and drops the oldest. Idempotent: the next shift completes one that a crash cut short. */
const shiftGenerations = (path: string, keep: number): void => {
  if (!existsSync(generationPath(path, 1))) return
  for (let generation = keep - 1; generation >= 1; generation--) {
    const from = generationPath(path, generation)
    if (existsSync(from)) renameSync(from, generationPath(path, generation + 1))
  }
}

/** Appends the rest of the log to the copy, and truncates the log in the very next system call after finding no more. */
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

const finishFromNext = (path: string, options: SwitchOptions): void => {
  const next = nextPath(path)
  shiftGenerations(path, options.keep)
  const log = openSync(path, 'r+')
  try {
    const copy = openSync(next, 'a')
    try {
      appendRestAndTruncate(log, copy, options.maxCatchUpBytes)
    } finally {
      closeSync(copy)
    }
  } finally {
    closeSync(log)
  }
  renameSync(next, generationPath(path, 1))
}

/** Turns LOG.tmp, a copy of the log's beginning, into LOG.1. Must not await: see the order in log-generations.ts. */
export const switchGeneration = (path: string, options: SwitchOptions): void => {
  renameSync(temporaryPath(path), nextPath(path))
  finishFromNext(path, options)
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
export const finishInterruptedSwitch = (path: string, options: SwitchOptions): boolean => {
  const next = statSync(nextPath(path), { throwIfNoEntry: false })
  if (next === undefined) return false
  if (next.size === 0) {
    rmSync(nextPath(path), { force: true })
    return false
  }
  chmodSync(nextPath(path), 0o600)
  if (existsSync(path) && stillHolds(path, next.size)) {
    finishFromNext(path, options)
    return true
  }
  shiftGenerations(path, options.keep)
  renameSync(nextPath(path), generationPath(path, 1))
  return true
}

/** Deletes generations beyond `keep`, and the oldest while their total exceeds `maxTotalBytes`. */
export const pruneGenerations = (
  path: string,
  { keep, maxTotalBytes }: { readonly keep: number; readonly maxTotalBytes: number },
): void => {
  let totalBytes = 0
  for (const generation of readGenerationNumbers(path)) {
    const name = generationPath(path, generation)
    totalBytes += statSync(name, { throwIfNoEntry: false })?.size ?? 0
    // Always keep the newest two: the first holds what just happened, and the second lets a reader recognize the
    // first as the one it was reading.
    if (generation > keep || (generation > 2 && totalBytes > maxTotalBytes)) rmSync(name, { force: true })
  }
}
