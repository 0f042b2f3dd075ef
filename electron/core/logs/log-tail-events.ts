// The core's tail of a child's log: new lines as they come, at a bounded cost.
import { messageOf } from '../base/error-message.ts'
import { createLogCursor } from './log-cursor.ts'
import { gapLine } from './log-follow.ts'
import { readFileBytes, readLogMark } from './log-generations.ts'
import { createLineSplitter } from './log-lines.ts'

export interface LogTailLimits {
  /** Reads the log at most once per this interval. */
  readonly intervalMs: number
  /** And at most about this much of it each time. */
  readonly maxBytesPerTick: number
  /** Skips ahead when further behind than this: only current lines matter live. */
  readonly maxBehindBytes: number
}

const usualLimits: LogTailLimits = {
  intervalMs: 250,
  maxBytesPerTick: 256 * 1024,
  maxBehindBytes: 1024 * 1024,
}

/**
 * Calls back with the complete lines that are written from now on, those of one look together; a line in brackets says what
 * was skipped. Returns the undo, after which nothing is called.
 */
export const connectLogTail = (
  path: string,
  onLines: (lines: readonly string[]) => void,
  onError: (error: Error) => void,
  { intervalMs, maxBytesPerTick, maxBehindBytes }: LogTailLimits = usualLimits,
): (() => void) => {
  const cursor = createLogCursor(path, readLogMark(path))
  const splitter = createLineSplitter()
  let isBusy = false
  let isOver = false
  let toldError: string | null = null
  /** The log's size when all of it had been read; a log at rest costs one system call a look. */
  let readBytes = -1

  const readTick = async (): Promise<readonly string[]> => {
    const lines: string[] = []
    const size = readFileBytes(path)
    const behindBytes = cursor.readBehindBytes()
    if (behindBytes > maxBehindBytes) {
      cursor.skipAhead(maxBytesPerTick)
      splitter.restart({ midLine: true })
      lines.push(`[${behindBytes - maxBytesPerTick} bytes left out here: written faster than read]`)
    }
    for (let bytes = 0; bytes < maxBytesPerTick; ) {
      const read = await cursor.read()
      if (read.kind === 'end') {
        readBytes = size
        break
      }
      if (read.kind === 'gap') {
        splitter.restart({ midLine: false })
        lines.push(gapLine)
        continue
      }
      bytes += read.bytes.length
      for (const line of splitter.push(read.bytes)) lines.push(line)
    }
    return lines
  }
  const look = async (): Promise<void> => {
    if (isBusy) return
    isBusy = true
    try {
      const lines = readFileBytes(path) === readBytes ? [] : await readTick()
      toldError = null
      if (lines.length > 0 && !isOver) onLines(lines)
    } catch (error) {
      // Otherwise an unreadable log would be reported at every look.
      if (messageOf(error) !== toldError) onError(new Error(messageOf(error), { cause: error }))
      toldError = messageOf(error)
    } finally {
      isBusy = false
    }
  }
  const timer = setInterval(look, intervalMs)
  return () => {
    isOver = true
    clearInterval(timer)
  }
}
