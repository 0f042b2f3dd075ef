// Reads a log from outside: its last lines and every following line, across rotations.
import { armFileChange } from './file-change.ts'
import { createLogCursor } from './log-cursor.ts'
import {
  type LogMark,
  logBeginning,
  readLogMark,
  readMarkBefore,
  readSettledGenerations,
} from './log-generations.ts'
import { createLineSplitter, defaultMaxLineBytes } from './log-lines.ts'

/** The end is read in windows that grow, so that the cost depends on the lines asked for, not on the log's size. */
const firstWindowBytes = defaultMaxLineBytes
const windowGrowth = 8

/** If so much of the end has no more lines than an eighth of it, the line is not followed back to its beginning. */
export const maxLineScanBytes = firstWindowBytes * windowGrowth ** 2

/** Put before a line whose beginning was not looked for. */
export const cutBeginning = '[beginning of this line cut] … '

export const gapLine = '[rotated faster than read: some lines may be missing here]'

const isBefore = (a: LogMark, b: LogMark): boolean =>
  a.previous < b.previous || (a.previous === b.previous && a.offset < b.offset)

/** @param isCut whether the first line begins in its middle */
const readLines = async (path: string, start: LogMark, end: LogMark, isCut: boolean) => {
  const cursor = createLogCursor(path, start)
  const splitter = createLineSplitter()
  if (isCut) splitter.push(Buffer.from(cutBeginning))
  const lines: string[] = []
  while (isBefore(cursor.mark(), end)) {
    const read = await cursor.read()
    if (read.kind === 'end') break
    if (read.kind === 'gap') splitter.restart({ midLine: false })
    // No spread into push(): a block of empty lines has more of them than a call may have arguments.
    else for (const line of splitter.push(read.bytes)) lines.push(line)
  }
  // Complete lines; the splitter holds the unfinished last one, up to the cursor.
  return { lines, splitter, cursor }
}

/** At least the last `wanted` lines since a mark, the unfinished one included, if there are so many. */
const readTail = async (path: string, floor: LogMark, wanted: number) => {
  await readSettledGenerations(path)
  const end = readLogMark(path)
  let countBefore = -1
  for (let bytes = firstWindowBytes; ; bytes *= windowGrowth) {
    const { mark, isFloor } = readMarkBefore(path, { end, bytes, floor })
    const tail = await readLines(path, mark, end, !isFloor)
    const count = tail.lines.length + (tail.splitter.isEmpty() ? 0 : 1)
    const isEndless = count === countBefore && bytes >= maxLineScanBytes
    // More than wanted, because the first one may be cut.
    if (isFloor || isEndless || count > wanted) return tail
    countBefore = count
  }
}

const keepLast = (lines: readonly string[], count: number): readonly string[] =>
  lines.slice(Math.max(0, lines.length - count))

/** The last lines, at most `maxLines`, since a mark from `readLogMark` (taken when a run was spawned). */
export const readLogSince = async (
  path: string,
  mark: LogMark,
  maxLines: number,
): Promise<readonly string[]> => {
  const { lines, splitter } = await readTail(path, mark, maxLines)
  const rest = splitter.flush()
  return keepLast(rest === null ? lines : [...lines, rest], maxLines)
}

export const readLastLines = (path: string, lines: number): Promise<readonly string[]> =>
  readLogSince(path, logBeginning, lines)

export interface FollowOptions {
  readonly path: string
  /** How many earlier lines to start with. */
  readonly lines: number
  readonly signal: AbortSignal
}

/**
 * Event driven, and pulled by the consumer: holds at most one block of 64 KiB. A slow consumer just reads later, and loses
 * lines only after `keep` whole generations (then `gapLine` says so). log-generations.ts argues why no rotation loses or
 * repeats a line.
 * Ends when the signal aborts. Holds back an unfinished last line until its line end arrives.
 */
export async function* followLog({ path, lines, signal }: FollowOptions): AsyncGenerator<string, void, void> {
  const { lines: earlier, splitter, cursor } = await readTail(path, logBeginning, lines)
  let next = keepLast(earlier, splitter.isEmpty() ? lines : lines - 1)
  while (!signal.aborted) {
    const armed = armFileChange(path, signal)
    try {
      for (let isAtEnd = false; !isAtEnd; ) {
        for (const line of next) {
          if (signal.aborted) return
          yield line
        }
        const read = await cursor.read()
        isAtEnd = read.kind === 'end'
        if (read.kind === 'gap') splitter.restart({ midLine: false })
        next = read.kind === 'bytes' ? splitter.push(read.bytes) : read.kind === 'gap' ? [gapLine] : []
      }
      await armed.changed
    } finally {
      armed.disarm()
    }
  }
}
