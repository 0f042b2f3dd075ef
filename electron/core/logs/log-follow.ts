// Reads a log from outside: its last lines and every following line, across rotations.
import { armFileChange } from './file-change.ts'
import { logBeginning } from './log-generations.ts'
import { createLastLinesSplitter, openCursorAtLastLines, readLastLinesSince } from './log-last-lines.ts'

/** Reads backwards, so that the cost depends on the lines asked for, not on the log's size. */
export const readLastLines = (path: string, lines: number): Promise<readonly string[]> =>
  readLastLinesSince(path, logBeginning, lines)

export interface FollowOptions {
  readonly path: string
  /** How many earlier lines to start with. */
  readonly lines: number
  readonly signal: AbortSignal
}

export const gapLine = '[rotated faster than read: some lines may be missing here]'

/**
 * Event driven and pulled by the consumer: holds at most one block of 64 KiB. A slow consumer just reads later, and loses
 * lines only after `keep` whole generations (then `gapLine` says so). log-generations.ts argues why no rotation loses or
 * repeats a line.
 * Ends when the signal aborts. Holds back an unfinished last line until its line end arrives.
 */
export async function* followLog({ path, lines, signal }: FollowOptions): AsyncGenerator<string, void, void> {
  const { cursor, isCut } = await openCursorAtLastLines(path, lines)
  const splitter = createLastLinesSplitter(isCut)
  try {
    while (!signal.aborted) {
      const armed = armFileChange(path)
      try {
        for (let read = await cursor.read(); read.kind !== 'end'; read = await cursor.read()) {
          if (read.kind === 'gap') splitter.restart({ midLine: false })
          for (const line of read.kind === 'gap' ? [gapLine] : splitter.push(read.bytes)) {
            if (signal.aborted) return
            yield line
          }
        }
        signal.addEventListener('abort', armed.disarm, { once: true })
        if (!signal.aborted) await armed.changed
      } finally {
        signal.removeEventListener('abort', armed.disarm)
        armed.disarm()
      }
    }
  } finally {
    await cursor.close()
  }
}
