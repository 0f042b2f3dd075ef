// The last lines of a log, as many as fit into one message.
import { maxLineBytes } from '../control/protocol.ts'
import { readLastLines } from '../logs/log-follow.ts'

/** Leaves room for the rest of the message. */
const maxAnswerBytes = maxLineBytes - 4_096

/** Keeps the newest lines if they don't all fit. A log that does not exist yet has no lines. */
export const readLogTail = async (path: string, lines: number): Promise<readonly string[]> =>
  keepNewest(await readLastLines(path, lines), maxAnswerBytes)

export const keepNewest = (lines: readonly string[], maxBytes: number): readonly string[] => {
  let left = maxBytes
  let first = lines.length
  while (first > 0) {
    left -= Buffer.byteLength(JSON.stringify(lines[first - 1])) + 1
    if (left < 0) break
    first -= 1
  }
  return lines.slice(first)
}
