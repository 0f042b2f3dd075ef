// New log lines in batches: the lines of one read go together.
import { connectLogTail } from './log-tail-events.ts'

/** Calls back with new lines, at most ten times a second. Returns the undo. */
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
    // Runs after the turn of the event loop in which a block is read and reported line by line.
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
