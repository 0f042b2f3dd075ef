// Finds where the last lines of a log begin, reading backwards in blocks across its generations.
import { createLogCursor, type LogCursor } from './log-cursor.ts'
import {
  type LogMark,
  type LogSegment,
  type LogSegments,
  logBeginning,
  openLogSegments,
  readRotationState,
} from './log-generations.ts'
import { createLineSplitter } from './log-lines.ts'

const blockBytes = 64 * 1024
const newline = 0x0a

const readBlock = async (
  segment: LogSegment,
  buffer: Buffer,
  start: number,
  length: number,
): Promise<Buffer> => {
  const { bytesRead } = await segment.handle.read(buffer, 0, length, start)
  return buffer.subarray(0, bytesRead)
}

/** Position after the `wanted`-th line end from the end of the block, or how many are still wanted. */
const countBack = (
  block: Buffer,
  wanted: number,
): { readonly position: number | null; readonly wanted: number } => {
  let left = wanted
  let from = block.length - 1
  for (;;) {
    const found = from < 0 ? -1 : block.lastIndexOf(newline, from)
    if (found === -1) return { position: null, wanted: left }
    left--
    if (left === 0) return { position: found + 1, wanted: 0 }
    from = found - 1
  }
}

/** The segments, shortened at the front to at most `lines` lines; uses the memory of one block. */
const dropAllButLastLines = async (
  segments: readonly LogSegment[],
  lines: number,
): Promise<readonly LogSegment[]> => {
  if (lines <= 0) return []
  const buffer = Buffer.alloc(blockBytes)
  // One more line end than lines, unless the last line is unfinished: its own line end comes first.
  let wanted = lines
  let atEnd = true
  for (let index = segments.length - 1; index >= 0; index--) {
    const segment = segments[index]
    if (segment === undefined) continue
    for (let end = segment.end; end > segment.start; end -= blockBytes) {
      const start = Math.max(segment.start, end - blockBytes)
      const block = await readBlock(segment, buffer, start, end - start)
      if (atEnd && block.at(-1) === newline) wanted++
      if (block.length > 0) atEnd = false
      const counted = countBack(block, wanted)
      wanted = counted.wanted
      if (counted.position !== null) {
        return [{ ...segment, start: start + counted.position }, ...segments.slice(index + 1)]
      }
    }
  }
  return segments
}

/** All lines of the segments, including an unfinished last one. */
const readSegmentLines = async (segments: readonly LogSegment[]): Promise<readonly string[]> => {
  const splitter = createLineSplitter()
  const buffer = Buffer.alloc(blockBytes)
  const lines: string[] = []
  for (const segment of segments) {
    for (let start = segment.start; start < segment.end; ) {
      const block = await readBlock(segment, buffer, start, Math.min(blockBytes, segment.end - start))
      if (block.length === 0) break
      // No spread into push(): a block of empty lines has more of them than a call may have arguments.
      for (const line of splitter.push(block)) lines.push(line)
      start += block.length
    }
  }
  const rest = splitter.flush()
  if (rest !== null) lines.push(rest)
  return lines
}

const listSegments = (opened: LogSegments): readonly LogSegment[] =>
  opened.current === null ? opened.finished : [...opened.finished, opened.current]

const steadyAttempts = 5

/**
 * The segments of the last lines since the mark; the caller closes them. Scans again if a rotation emptied the log meanwhile,
 * because offsets from its old end would be wrong.
 */
const openLastLines = async (path: string, mark: LogMark, lines: number) => {
  for (let attempt = 1; ; attempt++) {
    const opened = await openLogSegments(path, mark)
    try {
      const segments = await dropAllButLastLines(listSegments(opened), lines)
      const isSteady = () => readRotationState(path).previous === opened.previous
      if (isSteady() || attempt === steadyAttempts) return { ...opened, segments, isSteady }
    } catch (error) {
      await opened.close()
      throw error
    }
    await opened.close()
  }
}

/** The last lines after the mark, at most `maxLines`. */
export const readLastLinesSince = async (
  path: string,
  mark: LogMark,
  maxLines: number,
): Promise<readonly string[]> => {
  for (let attempt = 1; ; attempt++) {
    const opened = await openLastLines(path, mark, maxLines)
    try {
      const lines = await readSegmentLines(opened.segments)
      if (opened.isSteady() || attempt === steadyAttempts) return lines
    } finally {
      await opened.close()
    }
  }
}

/** A cursor at the start of the last lines. Older generations stay open, so that a rotation deletes nothing needed. */
export const openCursorAtLastLines = async (path: string, lines: number): Promise<LogCursor> => {
  const { segments, current, previous, close } = await openLastLines(path, logBeginning, lines)
  const finished = segments.filter((segment) => segment.handle !== current?.handle)
  const inCurrent = segments.find((segment) => segment.handle === current?.handle)
  const offset = inCurrent?.start ?? current?.end ?? 0
  return createLogCursor(path, { previous, offset }, { finished, close })
}
