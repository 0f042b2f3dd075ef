// The synchronous heart of a rotation: from a copy of the log to an emptied log and a new first generation.
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
  /** More than this is not copied while the event loop waits; a line in the new generation says what was lost. */
  readonly maxCatchUpBytes: number
}

/** Makes room at LOG.1; the oldest falls off. Idempotent: a shift cut short by a crash is completed by the next one. */
const shiftGenerations = (path: string, keep: number): void => {
  if (!existsSync(generationPath(path, 1))) return
  for (let generation = keep - 1; generation >= 1; generation--) {
    const from = generationPath(path, generation)
    if (existsSync(from)) renameSync(from, generationPath(path, generation + 1))
  }
}

/** Appends to the copy what the log has beyond it, and empties the log in the next system call after finding no more. */
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

/** Turns LOG.tmp, a copy of the log's beginning, into LOG.1. No await inside: see the order in log-generations.ts. */
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

/** Whether the log still begins with all that LOG.next holds: then the crash came before the truncation. */
const stillHolds = (path: string, copiedBytes: number): boolean => {
  const length = Math.min(proofBytes, copiedBytes)
  const position = copiedBytes - length
  const inLog = readBlockAt(path, position, length)
  return inLog.length === length && inLog.equals(readBlockAt(nextPath(path), position, length))
}

/** Completes a switch that a crash of ours cut short, without losing or doubling a line. Says whether there was one. */
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

/** Deletes generations beyond `keep`, and the oldest ones once all together are larger than `maxTotalBytes`. */
export const pruneGenerations = (
  path: string,
  { keep, maxTotalBytes }: { readonly keep: number; readonly maxTotalBytes: number },
): void => {
  let totalBytes = 0
  for (const generation of readGenerationNumbers(path)) {
    const name = generationPath(path, generation)
    totalBytes += statSync(name, { throwIfNoEntry: false })?.size ?? 0
    // The newest two stay whatever their size: the first holds what just happened, and by the second a reader knows
    // that the first is the one it was in.
    if (generation > keep || (generation > 2 && totalBytes > maxTotalBytes)) rmSync(name, { force: true })
  }
}
