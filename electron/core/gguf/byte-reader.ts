// Reads a file forward in blocks, so that a 75 GB model costs a few hundred kilobytes of reads and of memory.
import type { FileHandle } from 'node:fs/promises'
import { showControls } from '../../wording/visible-text.ts'

const blockBytes = 256 * 1024
/** Real headers are below 40 MB (tokenizers of 260,000 tokens take 6 MB); beyond this somebody wants to keep us busy. */
const maxHeaderBytes = 256 * 1024 * 1024

export interface ByteReader {
  readonly path: string
  readonly fileBytes: number
  /** Where the next byte comes from. */
  offset(): number
  /** Bytes that `take…` can give without another read. */
  buffered(): number
  /** Makes `count` bytes ready to take. Fails in one sentence when the file ends before them. */
  ensure(count: number, what: string): Promise<void>
  skip(count: number, what: string): void
  /** A view that holds until the next `ensure`. */
  takeBytes(count: number): Buffer
  takeU8(): number
  takeU32(): number
  /** Exact below 2^53; beyond that rounded, which is harmless because every limit here is far below. */
  takeU64(): number
  fail(at: number, problem: string): never
}

export function createByteReader(
  handle: FileHandle,
  file: { readonly path: string; readonly fileBytes: number },
  signal: AbortSignal | undefined,
): ByteReader {
  const { path, fileBytes } = file
  /** One for the whole file: a new one for each block was 5 MB of garbage outside V8's heap for a vocabulary of 262,000 tokens. */
  const block = Buffer.allocUnsafe(Math.min(blockBytes, fileBytes))
  let buffer: Buffer = block.subarray(0, 0)
  let bufferStart = 0
  let at = 0

  const fail = (where: number, problem: string): never => {
    // Names in it come from the file, and this ends on a terminal.
    throw new Error(`${path}: at byte ${where}: ${showControls(problem)}`)
  }

  const checkLimits = (count: number, what: string): void => {
    if (at + count > fileBytes)
      fail(
        at,
        `the file ends at byte ${fileBytes}, in the middle of ${what}, which needs ${count} bytes here`,
      )
    if (at + count > maxHeaderBytes)
      fail(at, `the header reaches beyond ${maxHeaderBytes} bytes with ${what}; real headers are far smaller`)
  }

  const buffered = (): number => Math.max(0, bufferStart + buffer.length - at)

  const ensure = async (count: number, what: string): Promise<void> => {
    if (buffered() >= count) return
    signal?.throwIfAborted()
    checkLimits(count, what)
    const rest = buffered() > 0 ? buffer.subarray(at - bufferStart) : buffer.subarray(0, 0)
    const wanted = Math.min(Math.max(blockBytes, count), fileBytes - at)
    const target = wanted > block.length ? Buffer.allocUnsafe(wanted) : block.subarray(0, wanted)
    // Within one block too: as memmove(3) does.
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
    offset: () => at,
    buffered,
    ensure,
    skip: (count, what) => {
      checkLimits(count, what)
      at += count
    },
    takeBytes,
    takeU8: () => takeBytes(1).readUInt8(0),
    takeU32,
    takeU64: () => {
      const low = takeU32()
      return takeU32() * 0x1_0000_0000 + low
    },
    fail,
  }
}
