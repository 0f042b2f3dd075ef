// The core's tail of a child's log: new lines as they come, at a bounded cost.
import { setTimeout as sleep } from 'node:timers/promises'
import { armFileChange } from './file-change.ts'
import { createLogCursor, type LogCursor } from './log-cursor.ts'
import { type LogMark, readLogMark } from './log-generations.ts'
import { readLastLinesSince } from './log-last-lines.ts'
import { createLineSplitter } from './log-lines.ts'

export interface LogTailOptions {
  /** Where to start; null: at the end at the time of the call. */
  readonly from: LogMark | null
  readonly onSkipped: (bytes: number) => void
  readonly onError: (error: Error) => void
  /** Reads the log at most once per this interval. */
  readonly intervalMs?: number
  /** And at most about this much of it each time. */
  readonly maxBytesPerTick?: number
  /** Skips ahead when further behind than this: only current lines matter live. */
  readonly maxBehindBytes?: number
}

/** The last lines, at most `maxLines`, since a mark from `readLogMark` (taken when a run was spawned). */
export const readLogSince = (path: string, mark: LogMark, maxLines: number): Promise<readonly string[]> =>
  readLastLinesSince(path, mark, maxLines)

interface Tail {
  readonly cursor: LogCursor
  readonly onLine: (line: string) => void
  readonly signal: AbortSignal
  readonly options: Required<LogTailOptions>
}

/** Reads one tick's worth; true at the end of the log. */
const createTick = ({ cursor, onLine, signal, options }: Tail) => {
  const splitter = createLineSplitter()
  const skip = async (): Promise<void> => {
    const skipped = await cursor.skipAhead(options.maxBytesPerTick)
    if (skipped === 0) return
    splitter.restart({ midLine: true })
    if (!signal.aborted) options.onSkipped(skipped)
  }
  return async (): Promise<boolean> => {
    if (cursor.readBehindBytes() > options.maxBehindBytes) await skip()
    for (let bytes = 0; bytes < options.maxBytesPerTick; ) {
      const read = await cursor.read()
      if (read.kind === 'end') return true
      if (read.kind === 'gap') {
        splitter.restart({ midLine: false })
        continue
      }
      bytes += read.bytes.length
      for (const line of splitter.push(read.bytes)) {
        // A listener may disconnect in the middle of a block.
        if (signal.aborted) return true
        onLine(line)
      }
    }
    return false
  }
}

const runTail = async (path: string, tail: Tail): Promise<void> => {
  const { signal, options } = tail
  const tick = createTick(tail)
  while (!signal.aborted) {
    const armed = armFileChange(path)
    signal.addEventListener('abort', armed.disarm, { once: true })
    const ended = await tick().catch((error: unknown) => {
      options.onError(error instanceof Error ? error : new Error(String(error)))
      return true
    })
    if (ended && !signal.aborted) await armed.changed
    signal.removeEventListener('abort', armed.disarm)
    armed.disarm()
    // An abort rejects the pause early; the loop's condition then ends the loop.
    await sleep(options.intervalMs, undefined, { signal }).catch(() => {})
  }
  await tail.cursor.close()
}

/** Calls back with each new complete line. Returns the undo, after which nothing is called. */
export const connectLogTail = (
  path: string,
  onLine: (line: string) => void,
  options: LogTailOptions,
): (() => void) => {
  const stop = new AbortController()
  const cursor = createLogCursor(path, options.from ?? readLogMark(path))
  const full = { intervalMs: 100, maxBytesPerTick: 256 * 1024, maxBehindBytes: 1024 * 1024, ...options }
  void runTail(path, { cursor, onLine, signal: stop.signal, options: full })
  return () => stop.abort()
}
