// Splits a byte stream into lines and never buffers more than one line's limit.

export const createLineReader = (maxBytes: number) => {
  let pending: Buffer[] = []
  let pendingBytes = 0
  return {
    /** Complete lines in this piece; null once a line exceeds the limit (the stream is then unusable). */
    push: (piece: Buffer): readonly string[] | null => {
      const lines: string[] = []
      let start = 0
      for (let end = piece.indexOf(10, start); end !== -1; end = piece.indexOf(10, start)) {
        if (pendingBytes + end - start > maxBytes) return null
        lines.push(Buffer.concat([...pending, piece.subarray(start, end)]).toString('utf8'))
        pending = []
        pendingBytes = 0
        start = end + 1
      }
      pending.push(piece.subarray(start))
      pendingBytes += piece.length - start
      return pendingBytes > maxBytes ? null : lines
    },
  }
}
