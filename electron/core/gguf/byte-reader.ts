// Reads a file forward in blocks, so a 75 GB model costs only a few hundred kilobytes of reads and memory.
import type { FileHandle } from 'node:fs/promises'
import { showControls } from '../../wording/visible-text.ts'

const blockBytes = 256 * 1024
/** Real headers are below 40 MB (tokenizers of 260,000 tokens take 6 MB); a larger one is hostile. */
const maxHeaderBytes = 256 * 1024 * 1024

export type ByteReader = ReturnType<typeof createByteReader>

export function createByteReader(
  handle: FileHandle,
  file: { readonly path: string; readonly fileBytes: number },
) {
  const { path, fileBytes } = file
  /** Reused for the whole file: a new one per block left 5 MB of garbage outside V8's heap for a vocabulary of 262,000 tokens. */
  const block = Buffer.allocUnsafe(Math.min(blockBytes, fileBytes))
  let buffer: Buffer = block.subarray(0, 0)
  let bufferStart = 0
  let at = 0

  const fail = (where: number, problem: string): never => {
    // It contains names from the file and is shown on a terminal.
    throw new Error(`${path}: at byte ${where}: ${showControls(problem)}`)
  }

  const checkLimits = (count: number, what: string): void => {
    if (at + count > fileBytes)
      fail(
        at,
        `the file ends at byte ${fileBytes}, in the middle of ${what}, which needs ${count} bytes here`,
      )
    if (at + count > maxHeaderBytes)
      fail(at, `${what} makes the header larger than ${maxHeaderBytes} bytes; real headers are far smaller`)
  }

  const buffered = (): number => Math.max(0, bufferStart + buffer.length - at)

  const ensure = async (count: number, what: string): Promise<void> => {
    if (buffered() >= count) return
    checkLimits(count, what)
    const rest = buffered() > 0 ? buffer.subarray(at - bufferStart) : buffer.subarray(0, 0)
    const wanted = Math.min(Math.max(blockBytes, count), fileBytes - at)
    const target = wanted > block.length ? Buffer.allocUnsafe(wanted) : block.subarray(0, wanted)
    // Source and target may overlap: copy works like memmove(3).
    rest.copy(target)
    let filled = rest.length
    while (filled < target.length) {
      const { bytesRead } = await handle.read(target, filled, target.length - filled, at + filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    if (filled < count) fail(at, `the file shrank while it was read: ${filled} of ${count} bytes for ${what}`)
    buffer = target.subarray(0, filled)
    bufferStart = at
  }

  const takeBytes = (count: number): Buffer => {
    const start = at - bufferStart
    at += count
    return buffer.subarray(start, start + count)
  }
  const takeU32 = (): number => {
    at += 4
    return buffer.readUInt32LE(at - 4 - bufferStart)
  }

  return {
    path,
    fileBytes,
    /** Offset of the next byte. */
    offset: () => at,
    /** Bytes that `take…` can return without another read. */
    buffered,
    /** Buffers `count` bytes. Throws one sentence when the file is too short. */
    ensure,
    skip: (count: number, what: string): void => {
      checkLimits(count, what)
      at += count
    },
    /** A view, valid until the next `ensure`. */
    takeBytes,
    takeU32,
    /** Exact below 2^53, rounded above; harmless because every limit here is far lower. */
    takeU64: (): number => {
      const low = takeU32()
      return takeU32() * 0x1_0000_0000 + low
    },
    fail,
  }
}
