// Reading an answer whose size somebody else decides.

/** The answer's text; null as soon as it is longer than `maxBytes`, which also ends the connection. Throws as fetch does. */
export const readBoundedText = async (response: Response, maxBytes: number): Promise<string | null> => {
  if (response.body === null) return ''
  const pieces: Uint8Array[] = []
  let bytes = 0
  // Leaving the loop early cancels the stream: what a server that went mad still sends is never taken.
  for await (const piece of response.body) {
    bytes += piece.byteLength
    if (bytes > maxBytes) return null
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString('utf8')
}
