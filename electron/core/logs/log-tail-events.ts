// The core's tail of a child's log: new lines as they come, at a bounded cost.
import { messageOf } from '../base/error-message.ts'
import { lookAtChanges } from './file-change.ts'
import { createLogCursor } from './log-cursor.ts'
import { gapLine } from './log-follow.ts'
import { readLogMark } from './log-generations.ts'
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
  intervalMs: 100,
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
  let isOver = false
  let toldError: string | null = null

  /** Lines of one look, and whether they reach the log's end. */
  const readTick = async (): Promise<{ readonly lines: readonly string[]; readonly isAtEnd: boolean }> => {
    const lines: string[] = []
    const behindBytes = cursor.readBehindBytes()
    if (behindBytes > maxBehindBytes) {
      cursor.skipAhead(maxBytesPerTick)
      splitter.restart({ midLine: true })
      lines.push(`[${behindBytes - maxBytesPerTick} bytes left out here: written faster than read]`)
    }
    for (let bytes = 0; bytes < maxBytesPerTick; ) {
      const read = await cursor.read()
      if (read.kind === 'end') return { lines, isAtEnd: true }
      if (read.kind === 'gap') {
        splitter.restart({ midLine: false })
        lines.push(gapLine)
        continue
      }
      bytes += read.bytes.length
      for (const line of splitter.push(read.bytes)) lines.push(line)
    }
    return { lines, isAtEnd: false }
  }
  const look = async (): Promise<boolean> => {
    try {
      const { lines, isAtEnd } = await readTick()
      toldError = null
      if (lines.length > 0 && !isOver) onLines(lines)
      return isAtEnd
    } catch (error) {
      // Otherwise an unreadable log would be reported at every look.
      if (messageOf(error) !== toldError) onError(new Error(messageOf(error), { cause: error }))
      toldError = messageOf(error)
      return true
    }
  }
  const stop = lookAtChanges(path, look, intervalMs)
  return () => {
    isOver = true
    stop()
  }
}
