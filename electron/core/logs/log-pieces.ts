// New lines of a log in pieces: those that came in one read go together.
import { connectLogTail } from './log-tail-events.ts'

/** Calls back with the lines from now on, at most ten times a second; the undo ends that. */
export const followLogPieces = (
  path: string,
  listener: (lines: readonly string[]) => void,
  onError: (error: Error) => void,
): (() => void) => {
  let piece: string[] = []
  const flush = () => {
    const lines = piece
    piece = []
    if (lines.length > 0) listener(lines)
  }
  const hear = (line: string) => {
    // A block is read and told line by line in one turn of the event loop, which this comes after.
    if (piece.length === 0) setImmediate(flush)
    piece.push(line)
  }
  const stop = connectLogTail(path, hear, {
    from: null,
    onSkipped: (bytes) => hear(`[${bytes} bytes left out here: written faster than read]`),
    onError,
  })
  return () => {
    piece = []
    stop()
  }
}
