// Reads a log forwards from a mark, across rotations, without losing or repeating bytes.
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import {
  type LogMark,
  type LogSegment,
  type LogSegments,
  openLogSegments,
  readLogSize,
  readRotationState,
} from './log-generations.ts'

const blockBytes = 64 * 1024

export type CursorRead =
  /** Valid until the next read. */
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  /** Nothing more for now. */
  | { readonly kind: 'end' }
  /** Rotations overtook this reader: lines in between were deleted unread. */
  | { readonly kind: 'gap' }

export interface LogCursor {
  read(): Promise<CursorRead>
  /** Bytes between here and the end. */
  readBehindBytes(): number
  /** Jumps to `keepBytes` before the end, usually into the middle of a line; returns the bytes skipped. */
  skipAhead(keepBytes: number): Promise<number>
  close(): Promise<void>
}

const readAt = async (path: string, buffer: Buffer, offset: number) => {
  try {
    await using handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset)
    return { bytesRead, size: bytesRead > 0 ? offset + bytesRead : (await handle.stat()).size }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { bytesRead: 0, size: 0 }
    throw error
  }
}

/** Earlier generations, opened when a rotation was seen, and how far the oldest of them has been read. */
const createBacklog = (opened: Pick<LogSegments, 'finished' | 'close'>) => {
  // The current file is read by its path instead, because it is still growing.
  const finished = [...opened.finished]
  let offset = finished[0]?.start ?? 0
  return {
    async read(buffer: Buffer): Promise<number> {
      for (let segment = finished[0]; segment !== undefined; segment = finished[0]) {
        const length = Math.min(buffer.length, segment.end - offset)
        const { bytesRead } =
          length > 0 ? await segment.handle.read(buffer, 0, length, offset) : { bytesRead: 0 }
        offset += bytesRead
        if (bytesRead > 0) return bytesRead
        finished.shift()
        offset = finished[0]?.start ?? 0
      }
      return 0
    },
    readRemaining: (): readonly LogSegment[] =>
      finished.map((segment, index) => (index === 0 ? { ...segment, start: offset } : segment)),
    readBytes: () =>
      finished.reduce(
        (sum, segment) => sum + segment.end - segment.start,
        (finished[0]?.start ?? 0) - offset,
      ),
    close: () => opened.close(),
  }
}

/** The last bytes may lie before a very recent rotation: often the lines that say what went wrong. */
const keepEnd = (current: LogSegment | null, finished: readonly LogSegment[], keepBytes: number) => {
  const kept: LogSegment[] = []
  let room = keepBytes
  let droppedBytes = 0
  const shorten = (segment: LogSegment): LogSegment => {
    const start = Math.max(segment.start, segment.end - room)
    droppedBytes += start - segment.start
    room -= segment.end - start
    return { ...segment, start }
  }
  const offset = current === null ? 0 : shorten(current).start
  for (const segment of finished.toReversed()) kept.unshift(shorten(segment))
  return { finished: kept, offset, droppedBytes }
}

/** `opened`: earlier generations, from before the mark, to read first. The cursor closes them. */
export const createLogCursor = (
  path: string,
  mark: LogMark,
  opened: Pick<LogSegments, 'finished' | 'close'> | null = null,
): LogCursor => {
  const buffer = Buffer.alloc(blockBytes)
  let { previous, offset } = mark
  let backlog = opened === null ? null : createBacklog(opened)

  const dropBacklog = async (): Promise<void> => {
    const dropped = backlog
    backlog = null
    await dropped?.close()
  }
  const crossRotation = async (): Promise<boolean> => {
    const since = await openLogSegments(path, { previous, offset })
    await dropBacklog()
    previous = since.previous
    offset = since.current?.start ?? 0
    backlog = createBacklog(since)
    return since.gap
  }

  const readBacklog = async (): Promise<CursorRead | null> => {
    if (backlog === null) return null
    const bytesRead = await backlog.read(buffer)
    if (bytesRead > 0) return { kind: 'bytes', bytes: buffer.subarray(0, bytesRead) }
    await dropBacklog()
    return null
  }

  const readBehindBytes = (): number => (backlog?.readBytes() ?? 0) + Math.max(0, readLogSize(path) - offset)

  return {
    async read() {
      for (;;) {
        const old = await readBacklog()
        if (old !== null) return old
        const { bytesRead, size } = await readAt(path, buffer, offset)
        // Look after reading, not before: see the ordering argument in log-generations.ts.
        const state = readRotationState(path)
        if (state.switching || state.previous !== previous) {
          if (await crossRotation()) return { kind: 'gap' }
          continue
        }
        offset += bytesRead
        if (bytesRead > 0) return { kind: 'bytes', bytes: buffer.subarray(0, bytesRead) }
        if (size >= offset) return { kind: 'end' }
        // Emptied, but not by our rotation (`: > LOG`): its content is gone, so continue at its start.
        offset = 0
      }
    },
    readBehindBytes,
    async skipAhead(keepBytes) {
      const since = await openLogSegments(path, { previous, offset })
      const old = backlog
      const kept = keepEnd(since.current, [...(old?.readRemaining() ?? []), ...since.finished], keepBytes)
      previous = since.previous
      offset = kept.offset
      backlog = createBacklog({
        finished: kept.finished,
        close: async () => {
          await Promise.all([old?.close(), since.close()])
        },
      })
      return kept.droppedBytes
    },
    close: dropBacklog,
  }
}
