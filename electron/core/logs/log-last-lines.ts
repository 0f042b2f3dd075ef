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
import { createLineSplitter, defaultMaxLineBytes, type LineSplitter } from './log-lines.ts'

const blockBytes = 64 * 1024
const newline = 0x0a

/** A line that is longer than this is not followed back to its beginning: 64 times what is shown of a line. */
export const maxLineScanBytes = 64 * defaultMaxLineBytes

/** Put before a line whose beginning was not looked for. */
export const cutBeginning = '[beginning of this line cut] … '

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

interface LastLines {
  readonly segments: readonly LogSegment[]
  /** They begin within a line that is longer than `maxLineScanBytes`. */
  readonly isCut: boolean
}

/** The same segments, shortened at the front so that at most `lines` lines remain; memory stays at one block. */
const dropAllButLastLines = async (segments: readonly LogSegment[], lines: number): Promise<LastLines> => {
  if (lines <= 0) return { segments: [], isCut: false }
  const buffer = Buffer.alloc(blockBytes)
  // One more line end than lines, unless the last line is unfinished: its own line end comes first.
  let wanted = lines
  let atEnd = true
  let withoutLineEndBytes = 0
  for (let index = segments.length - 1; index >= 0; index--) {
    const segment = segments[index]
    if (segment === undefined) continue
    const from = (start: number) => [{ ...segment, start }, ...segments.slice(index + 1)]
    for (let end = segment.end; end > segment.start; end -= blockBytes) {
      if (withoutLineEndBytes >= maxLineScanBytes) return { segments: from(end), isCut: true }
      const start = Math.max(segment.start, end - blockBytes)
      const block = await readBlock(segment, buffer, start, end - start)
      if (atEnd && block.at(-1) === newline) wanted++
      if (block.length > 0) atEnd = false
      const counted = countBack(block, wanted)
      if (counted.position !== null) return { segments: from(start + counted.position), isCut: false }
      withoutLineEndBytes = counted.wanted < wanted ? 0 : withoutLineEndBytes + block.length
      wanted = counted.wanted
    }
  }
  return { segments, isCut: false }
}

/** @param isCut whether the first line begins in its middle */
export const createLastLinesSplitter = (isCut: boolean): LineSplitter => {
  const splitter = createLineSplitter()
  if (isCut) splitter.push(Buffer.from(cutBeginning))
  return splitter
}

/** All lines of the segments, the unfinished last one included. */
const readSegmentLines = async ({ segments, isCut }: LastLines): Promise<readonly string[]> => {
  const splitter = createLastLinesSplitter(isCut)
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
      const last = await dropAllButLastLines(listSegments(opened), lines)
      const isSteady = () => readRotationState(path).previous === opened.previous
      if (isSteady() || attempt === steadyAttempts) return { ...opened, ...last, isSteady }
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
      const lines = await readSegmentLines(opened)
      if (opened.isSteady() || attempt === steadyAttempts) return lines
    } finally {
      await opened.close()
    }
  }
}

/** A cursor at the beginning of the last lines. Older generations stay open, so a rotation takes nothing away. */
export const openCursorAtLastLines = async (
  path: string,
  lines: number,
): Promise<{ readonly cursor: LogCursor; readonly isCut: boolean }> => {
  const { segments, isCut, current, previous, close } = await openLastLines(path, logBeginning, lines)
  const finished = segments.filter((segment) => segment.handle !== current?.handle)
  const inCurrent = segments.find((segment) => segment.handle === current?.handle)
  const offset = inCurrent?.start ?? current?.end ?? 0
  return { cursor: createLogCursor(path, { previous, offset }, { finished, close }), isCut }
}
