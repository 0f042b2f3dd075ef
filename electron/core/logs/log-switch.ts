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
import {
  generationPath,
  nextPath,
  readFileBytes,
  readGenerationNumbers,
  temporaryPath,
} from './log-generations.ts'

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
