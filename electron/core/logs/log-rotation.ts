// Keeps one log file and its earlier generations within bounds while the child keeps writing to the same file.
import { chmod, copyFile, constants as fsConstants, open, rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { armFileChange } from './file-change.ts'
import { generationPath, readGenerationNumbers, readLogSize, temporaryPath } from './log-generations.ts'
import {
  finishInterruptedSwitch,
  pruneGenerations,
  type SwitchOptions,
  switchGeneration,
} from './log-switch.ts'

export interface LogRotationOptions {
  readonly path: string
  /** Rotates the file once it is at least this large. */
  readonly maxBytes: number
  /** Earlier generations to keep: LOG.1 (newest) to LOG.keep; at least 2, which readers need to find their place. */
  readonly keep: number
  readonly onError: (error: Error) => void
}

export interface LogRotation {
  /** Rotates now if the file is large enough; returns whether it did. Never rejects: errors go to `onError`. */
  check(): Promise<boolean>
  /** Starts watching the file. Returns the undo. */
  connect(): () => void
}

const checkIntervalMs = 250
const shortestIntervalMs = 25
const copyBlockBytes = 256 * 1024

/**
 * Copies what has arrived since, until the end of the log, so that the synchronous part stays short. At most `limitBytes`,
 * because a child may write faster than we copy.
 */
const catchUp = async (path: string, copyPath: string, limitBytes: number): Promise<void> => {
  await using source = await open(path, 'r')
  await using copy = await open(copyPath, 'a')
  const block = Buffer.alloc(copyBlockBytes)
  const begin = (await copy.stat()).size
  for (let copied = 0; copied < limitBytes; ) {
    const { bytesRead } = await source.read(block, 0, block.length, begin + copied)
    await copy.appendFile(block.subarray(0, bytesRead))
    if (bytesRead < block.length) return
    copied += bytesRead
  }
}

/**
 * Copy, then truncate: the child keeps its descriptor, notices nothing and never waits, because nothing locks the file.
 * copyFile works in the kernel (a reflink if the file system can), so our memory stays flat.
 *
 * Possible loss: whatever the child writes between our last read, which found nothing more, and the truncation right after
 * it: two system calls, a few microseconds, once per rotation. A child that writes faster than the disk copies (hundreds of
 * MB a second) loses more, and a line in LOG.1 says how much. Nothing is ever repeated.
 *
 * Disk space: `keep` generations, the file and the copy, about (keep + 2) * maxBytes, plus what a flood adds between two
 * checks of the size (25 to 250 ms apart, later on a busy machine). Generations that a flood made larger are dropped
 * earlier, except the newest two.
 *
 * If we crash at any point, that leaves either a stale copy (LOG.tmp, deleted by the next rotation) or an unfinished switch
 * (LOG.next), which the next rotation completes.
 */
const rotate = async (path: string, { keep, maxCatchUpBytes }: SwitchOptions): Promise<void> => {
  const copyPath = temporaryPath(path)
  await rm(copyPath, { force: true })
  // The copy inherits the log's mode, which may have been changed: set 0600 anyway.
  await copyFile(path, copyPath, fsConstants.COPYFILE_EXCL | fsConstants.COPYFILE_FICLONE)
  await chmod(copyPath, 0o600)
  await catchUp(path, copyPath, 4 * maxCatchUpBytes)
  switchGeneration(path, { keep, maxCatchUpBytes })
  pruneGenerations(path, { keep, maxTotalBytes: (keep + 1) * maxCatchUpBytes })
}

/** On a full disk the copy fails: delete the oldest generation, and the next size check tries again. */
const makeRoom = async (path: string, error: NodeJS.ErrnoException): Promise<void> => {
  await rm(temporaryPath(path), { force: true })
  if (error.code !== 'ENOSPC') return
  for (const oldest of readGenerationNumbers(path).slice(-1)) await rm(generationPath(path, oldest))
}

/** Two cores never rotate the same log: only the core that holds the lock does. */
export const createLogRotation = (options: LogRotationOptions): LogRotation => {
  const { path, maxBytes, onError } = options
  const limits: SwitchOptions = {
    keep: Math.max(2, options.keep),
    maxCatchUpBytes: Math.max(maxBytes, copyBlockBytes),
  }
  let running: Promise<boolean> | null = null
  let toldError: string | null = null

  const checkOnce = async (): Promise<boolean> => {
    if (finishInterruptedSwitch(path, limits)) return true
    if (readLogSize(path) < maxBytes) return false
    await rotate(path, limits)
    toldError = null
    return true
  }
  const recover = async (error: NodeJS.ErrnoException): Promise<boolean> => {
    await makeRoom(path, error).catch(() => {})
    // Otherwise a full disk would be reported four times a second.
    if (error.message !== toldError) onError(error)
    toldError = error.message
    return false
  }
  const check = (): Promise<boolean> => {
    running ??= checkOnce()
      .catch(recover)
      .finally(() => {
        running = null
      })
    return running
  }

  const connect = (): (() => void) => {
    const stop = new AbortController()
    void watchSize(options, check, stop.signal)
    return () => stop.abort()
  }
  return { check, connect }
}

/** Gives the time to the next check (ms): the sooner the log would be full at its last growth rate, the sooner. */
export const createPacing = (maxBytes: number): ((size: number, nowMs: number) => number) => {
  let sizeBefore = Infinity
  let lookedAtMs = 0
  return (size, nowMs) => {
    const grownBytes = size - sizeBefore
    const untilFullMs = ((maxBytes - size) * (nowMs - lookedAtMs)) / grownBytes
    sizeBefore = size
    lookedAtMs = nowMs
    if (grownBytes <= 0) return checkIntervalMs
    return Math.min(checkIntervalMs, Math.max(shortestIntervalMs, untilFullMs))
  }
}

const watchSize = async (
  { path, maxBytes }: LogRotationOptions,
  check: () => Promise<boolean>,
  signal: AbortSignal,
): Promise<void> => {
  const nextDelayMs = createPacing(maxBytes)
  let disarm = () => {}
  signal.addEventListener('abort', () => disarm())
  while (!signal.aborted) {
    const armed = armFileChange(path)
    disarm = armed.disarm
    await check()
    const delayMs = nextDelayMs(readLogSize(path), performance.now())
    await armed.changed
    // An abort rejects the pause early; the loop's condition then ends the loop.
    await sleep(delayMs, undefined, { signal }).catch(() => {})
  }
}
