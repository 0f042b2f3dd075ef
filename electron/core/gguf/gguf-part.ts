// Reads one GGUF file: metadata, tensors, and whether it is complete.

import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { messageOf } from '../base/error-message.ts'
import { type ByteReader, createByteReader } from './byte-reader.ts'
import { type Metadata, readMetadata } from './metadata.ts'
import { readTensors } from './tensors.ts'

export type GgufPart = Readonly<Awaited<ReturnType<typeof readPart>>>

const fixedHeaderBytes = 24
const alignmentKey = 'general.alignment'
const defaultAlignment = 32

const quoteMagic = (magic: Buffer): string => JSON.stringify(magic.toString('latin1'))

/** gguf.cpp reads versions 2 and 3 in the machine's byte order; ours are all little-endian. */
async function checkVersion(reader: ByteReader): Promise<void> {
  if (reader.fileBytes === 0) reader.fail(0, "the file is empty; a model starts with 'GGUF'")
  await reader.ensure(fixedHeaderBytes, 'the fixed header')
  const magic = reader.takeBytes(4)
  if (magic.toString('latin1') !== 'GGUF')
    reader.fail(
      0,
      `found ${quoteMagic(magic)}; a model starts with "GGUF" (is it a web page or another format?)`,
    )
  const version = reader.takeU32()
  if ((version & 0xffff) === 0)
    reader.fail(4, `the version reads ${version}: the file is big-endian; llama.cpp here needs little-endian`)
  if (version !== 2 && version !== 3) reader.fail(4, `GGUF version ${version}; allowed are 2 and 3`)
}

function readAlignment(reader: ByteReader, metadata: Metadata, at: number): number {
  const value = metadata.get(alignmentKey)
  if (value === undefined) return defaultAlignment
  const isPowerOfTwo = typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= 1 << 30
  if (!isPowerOfTwo || (value & (value - 1)) !== 0)
    return reader.fail(at, `${alignmentKey} is ${JSON.stringify(value)}; a power of two is allowed`)
  return value
}

async function readPart(reader: ByteReader) {
  await checkVersion(reader)
  const tensorCount = reader.takeU64()
  const metadata = await readMetadata(reader, reader.takeU64())
  const alignment = readAlignment(reader, metadata, reader.offset())
  const tensors = await readTensors(reader, tensorCount, alignment)
  return { path: reader.path, fileBytes: reader.fileBytes, metadata, tensors }
}

const sayOpenError = (path: string, error: unknown): Error => {
  const code = error instanceof Error && 'code' in error ? error.code : null
  if (code === 'ENOENT') return new Error(`${path}: no such file`, { cause: error })
  if (code === 'EACCES') return new Error(`${path}: this user may not read it`, { cause: error })
  return new Error(`${path}: cannot be opened: ${messageOf(error)}`, {
    cause: error,
  })
}

export async function readGgufPart(path: string): Promise<GgufPart> {
  // Without O_NONBLOCK, opening a named pipe would wait for a writer forever.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    throw sayOpenError(path, error)
  })
  try {
    const stats = await handle.stat()
    if (!stats.isFile())
      throw new Error(`${path}: not a file but ${stats.isDirectory() ? 'a folder' : 'a device or pipe'}`)
    return await readPart(createByteReader(handle, { path, fileBytes: stats.size }))
  } finally {
    await handle.close()
  }
}
