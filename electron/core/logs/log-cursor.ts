// Reads a log forwards from a mark, across rotations, without losing or repeating bytes.
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { isErrno } from '../base/private-file.ts'
import {
  generationPath,
  type LogMark,
  logBeginning,
  readFileBytes,
  readGenerationNumbers,
  readLogMark,
  readMarkBefore,
  readSettledGenerations,
} from './log-generations.ts'

const blockBytes = 64 * 1024

export type CursorRead =
  /** Valid until the next read. */
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  /** Nothing more for now. */
  | { readonly kind: 'end' }
  /** Rotations overtook this reader: lines in between were deleted unread. */
  | { readonly kind: 'gap' }

/** null: there is no such file. */
const readAt = async (path: string, buffer: Buffer, offset: number) => {
  try {
    await using handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset)
    return { bytesRead, size: bytesRead > 0 ? offset + bytesRead : (await handle.stat()).size }
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return null
    throw error
  }
}

export const createLogCursor = (path: string, start: LogMark) => {
  const buffer = Buffer.alloc(blockBytes)
  let { previous, offset } = start

  const take = (bytesRead: number): CursorRead => {
    offset += bytesRead
    return { kind: 'bytes', bytes: buffer.subarray(0, bytesRead) }
  }

  return {
    mark: (): LogMark => ({ previous, offset }),
    async read(): Promise<CursorRead> {
      for (;;) {
        const finished = await readAt(generationPath(path, previous + 1), buffer, offset)
        if (finished !== null) {
          if (finished.bytesRead > 0) return take(finished.bytesRead)
          previous += 1
          offset = 0
          continue
        }
        const current = await readAt(path, buffer, offset)
        // Look after reading, not before: see the ordering argument in log-generations.ts.
        const generations = await readSettledGenerations(path)
        const following = generations.findLast((generation) => generation > previous)
        if (following === previous + 1) continue
        if (following !== undefined) {
          previous = following - 1
          offset = 0
          return { kind: 'gap' }
        }
        // Generations deleted by hand: their numbers start over.
        previous = generations[0] ?? 0
        if (current !== null && current.bytesRead > 0) return take(current.bytesRead)
        if (offset <= (current?.size ?? 0)) return { kind: 'end' }
        // Emptied, but not by our rotation (`: > LOG`): its content is gone, so continue at its start.
        offset = 0
      }
    },
    /** Bytes between here and the end; negative when the log was emptied by hand. */
    readBehindBytes: (): number =>
      readGenerationNumbers(path)
        .filter((generation) => generation > previous)
        .reduce((sum, generation) => sum + readFileBytes(generationPath(path, generation)), 0) +
      readFileBytes(path) -
      offset,
    /** Jumps to `keepBytes` before the end, usually into the middle of a line. */
    skipAhead: (keepBytes: number): void => {
      const { mark } = readMarkBefore(path, { end: readLogMark(path), bytes: keepBytes, floor: logBeginning })
      ;({ previous, offset } = mark)
    },
  }
}
