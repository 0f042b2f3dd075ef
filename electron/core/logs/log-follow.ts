// Reading a log from outside: its last lines, and every line that follows, across rotations.
import { armFileChange } from './file-change.ts'
import { logBeginning } from './log-generations.ts'
import { createLastLinesSplitter, openCursorAtLastLines, readLastLinesSince } from './log-last-lines.ts'

/** Reads backwards, so that the cost is that of the lines asked for, not that of the log. */
export const readLastLines = (path: string, lines: number): Promise<readonly string[]> =>
  readLastLinesSince(path, logBeginning, lines)

export interface FollowOptions {
  readonly path: string
  /** How many lines before the end to begin with. */
  readonly lines: number
  readonly signal: AbortSignal
}

export const gapLine = '[rotated faster than read: some lines may be missing here]'

/**
 * Event driven and pulled by the consumer: one block of 64 KiB at most is held, and a slow consumer simply reads later,
 * which loses lines only once `keep` whole generations have passed (then `gapLine` says so). The ordering argument
 * that makes this lose and double nothing across rotations is in log-generations.ts.
 * Ends when the signal aborts. A last line without a line end is held back until its end arrives.
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
