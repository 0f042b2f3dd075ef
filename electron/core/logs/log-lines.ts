// Splits a stream of bytes into lines, with bounded memory for any input.

export const defaultMaxLineBytes = 64 * 1024

const newline = 0x0a

/** Drops a UTF-8 character that a cut left incomplete, so that no replacement character appears. */
const trimToCharacter = (bytes: Buffer): Buffer => {
  let end = bytes.length
  while (end > 0 && bytes.length - end < 3 && ((bytes[end - 1] ?? 0) & 0xc0) === 0x80) end--
  const lead = bytes[end - 1] ?? 0
  const wanted = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1
  return bytes.length - end + 1 < wanted ? bytes.subarray(0, end - 1) : bytes
}

/** Cuts a line at `maxLineBytes` and marks how much is missing. */
export const createLineSplitter = (maxLineBytes = defaultMaxLineBytes) => {
  let parts: Buffer[] = []
  let keptBytes = 0
  let cutBytes = 0
  let skipping = false

  const keep = (piece: Buffer, copy: boolean): void => {
    const room = maxLineBytes - keptBytes
    const kept = piece.length > room ? piece.subarray(0, room) : piece
    if (kept.length > 0) parts.push(copy ? Buffer.from(kept) : kept)
    keptBytes += kept.length
    cutBytes += piece.length - kept.length
  }
  const take = (): string => {
    const only = parts.length === 1 ? parts[0] : undefined
    let bytes = only ?? Buffer.concat(parts)
    const cut = cutBytes
    parts = []
    keptBytes = 0
    cutBytes = 0
    if (cut > 0) return `${trimToCharacter(bytes).toString('utf8')} … [${cut} bytes of this line cut]`
    if (bytes.at(-1) === 0x0d) bytes = bytes.subarray(0, -1)
    return bytes.toString('utf8')
  }

  return {
    /** Complete lines in this chunk, without line ends; the chunk may be reused afterwards. */
    push(chunk: Buffer): readonly string[] {
      const lines: string[] = []
      let start = 0
      for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
        if (skipping) skipping = false
        else {
          keep(chunk.subarray(start, end), false)
          lines.push(take())
        }
        start = end + 1
      }
      if (!skipping) keep(chunk.subarray(start), true)
      return lines
    },
    /** The unfinished last line, or null; empties the splitter. */
    flush: (): string | null => (keptBytes + cutBytes > 0 ? take() : null),
    /** Whether there is no unfinished line. */
    isEmpty: (): boolean => keptBytes + cutBytes === 0,
    /** Drops the unfinished line and, after a jump into the middle of a line, everything up to the next line end. */
    restart({ midLine }: { readonly midLine: boolean }): void {
      parts = []
      keptBytes = 0
      cutBytes = 0
      skipping = midLine
    },
  }
}
