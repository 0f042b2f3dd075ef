// The key-value part of a GGUF header: small values are kept, large ones are skipped.
import type { ByteReader } from './byte-reader.ts'

/** `values` is null for skipped arrays: strings, and more numbers than per-layer lists need. */
export interface MetadataArray {
  readonly count: number
  readonly values: readonly number[] | null
}
/** null: a value that isn't kept (a text over 64 KiB, a whole number over 2^53). */
export type MetadataValue = number | boolean | string | MetadataArray | null
export type Metadata = ReadonlyMap<string, MetadataValue>

// Limits: gguf.cpp allows strings and arrays of 2^30; no real file comes near these.
const maxPairs = 65_536
const maxKeyBytes = 65_535
const maxStringBytes = 16 * 1024 * 1024
const maxStrings = 4_194_304
const keptStringBytes = 64 * 1024
const keptArrayValues = 4096
/** A key needs its length (8), one byte, a type (4) and a value (1). */
const smallestPairBytes = 14

interface Scalar {
  readonly bytes: number
  readonly decode: (buffer: Buffer) => number | boolean | bigint
}
/** By GGUF's number of the type. */
const scalars: Readonly<Record<number, Scalar>> = {
  0: { bytes: 1, decode: (buffer) => buffer.readUInt8() },
  1: { bytes: 1, decode: (buffer) => buffer.readInt8() },
  2: { bytes: 2, decode: (buffer) => buffer.readUInt16LE() },
  3: { bytes: 2, decode: (buffer) => buffer.readInt16LE() },
  4: { bytes: 4, decode: (buffer) => buffer.readUInt32LE() },
  5: { bytes: 4, decode: (buffer) => buffer.readInt32LE() },
  6: { bytes: 4, decode: (buffer) => buffer.readFloatLE() },
  7: { bytes: 1, decode: (buffer) => buffer.readUInt8() !== 0 },
  10: { bytes: 8, decode: (buffer) => buffer.readBigUInt64LE() },
  11: { bytes: 8, decode: (buffer) => buffer.readBigInt64LE() },
  12: { bytes: 8, decode: (buffer) => buffer.readDoubleLE() },
}
const stringType = 8
const arrayType = 9

function keepScalar(value: number | boolean | bigint): number | boolean | null {
  if (typeof value !== 'bigint') return value
  const exact = Number(value)
  return Number.isSafeInteger(exact) ? exact : null
}

/** Takes a text's length, whose 8 bytes must be buffered. Checked against `maxBytes`, so a hostile length costs nothing. */
function takeTextLength(reader: ByteReader, maxBytes: number, what: string): number {
  const start = reader.offset()
  const bytes = reader.takeU64()
  if (bytes > maxBytes) reader.fail(start, `${what} claims ${bytes} bytes; at most ${maxBytes} are allowed`)
  return bytes
}

export async function readText(reader: ByteReader, maxBytes: number, what: string): Promise<Buffer> {
  await reader.ensure(8, `the length of ${what}`)
  const bytes = takeTextLength(reader, maxBytes, what)
  await reader.ensure(bytes, what)
  return reader.takeBytes(bytes)
}

async function skipTexts(reader: ByteReader, key: string, count: number): Promise<void> {
  if (count > maxStrings)
    reader.fail(reader.offset(), `'${key}' claims ${count} texts; at most ${maxStrings} are allowed`)
  const what = `a text of '${key}'`
  for (let index = 0; index < count; index += 1) {
    // Await only at the end of a block: an await for each of 260,000 texts took longer than reading them.
    if (reader.buffered() < 8) await reader.ensure(8, `the length of ${what}`)
    const bytes = takeTextLength(reader, maxStringBytes, what)
    reader.skip(bytes, what)
  }
}

async function readArray(reader: ByteReader, key: string): Promise<MetadataArray> {
  await reader.ensure(12, `the array '${key}'`)
  const start = reader.offset()
  const elementType = reader.takeU32()
  const count = reader.takeU64()
  if (elementType === stringType) {
    if (count * 8 > reader.fileBytes)
      reader.fail(start, `'${key}' claims ${count} texts; the file has only ${reader.fileBytes} bytes`)
    await skipTexts(reader, key, count)
    return { count, values: null }
  }
  const scalar = scalars[elementType]
  if (scalar === undefined)
    return reader.fail(
      start,
      elementType === arrayType
        ? `'${key}' is an array of arrays; llama.cpp allows only arrays of numbers and texts`
        : `'${key}' has element type ${elementType}; allowed are 0 to 12`,
    )
  const bytes = count * scalar.bytes
  if (count > keptArrayValues) {
    reader.skip(bytes, `the ${count} values of '${key}'`)
    return { count, values: null }
  }
  await reader.ensure(bytes, `the ${count} values of '${key}'`)
  const values = Array.from({ length: count }, () => Number(scalar.decode(reader.takeBytes(scalar.bytes))))
  return { count, values }
}

async function readValue(reader: ByteReader, key: string): Promise<MetadataValue> {
  await reader.ensure(4, `the type of '${key}'`)
  const start = reader.offset()
  const type = reader.takeU32()
  if (type === arrayType) return readArray(reader, key)
  if (type === stringType) {
    const text = await readText(reader, maxStringBytes, `the text '${key}'`)
    return text.length > keptStringBytes ? null : text.toString('utf8')
  }
  const scalar = scalars[type]
  if (scalar === undefined) return reader.fail(start, `'${key}' has value type ${type}; allowed are 0 to 12`)
  await reader.ensure(scalar.bytes, `the value of '${key}'`)
  return keepScalar(scalar.decode(reader.takeBytes(scalar.bytes)))
}

export async function readMetadata(reader: ByteReader, pairCount: number): Promise<Metadata> {
  const start = reader.offset()
  if (pairCount > maxPairs)
    reader.fail(start, `the header claims ${pairCount} metadata keys; at most ${maxPairs} are allowed`)
  if (pairCount * smallestPairBytes > reader.fileBytes - start)
    reader.fail(
      start,
      `the header claims ${pairCount} metadata keys; the file ends at byte ${reader.fileBytes}`,
    )
  const values = new Map<string, MetadataValue>()
  for (let index = 0; index < pairCount; index += 1) {
    const keyStart = reader.offset()
    const key = (await readText(reader, maxKeyBytes, `metadata key ${index + 1} of ${pairCount}`)).toString(
      'utf8',
    )
    if (values.has(key)) reader.fail(keyStart, `the metadata key '${key}' occurs twice; once is allowed`)
    values.set(key, await readValue(reader, key))
  }
  return values
}

export type MetadataQuestions = ReturnType<typeof askMetadata>

/** LLAMA_MAX_LAYERS is 512: a hostile layer count must not make us allocate a huge list. */
const maxLayers = 512

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0

export function askMetadata(values: Metadata) {
  const listOf = (key: string) => {
    const value = values.get(key)
    return typeof value === 'object' && value !== null ? value : null
  }
  const count = (key: string): number | null => {
    const value = values.get(key)
    return typeof value === 'number' && isCount(value) ? value : null
  }
  return {
    isPresent: (key: string): boolean => values.has(key),
    /** Without control characters, because it may be shown on a terminal. */
    text: (key: string): string | null => {
      const value = values.get(key)
      return typeof value === 'string' ? value.replaceAll(/\p{Cc}/gu, '\uFFFD') : null
    },
    /** A whole number >= 0; null when absent or anything else. */
    count,
    /** One number per layer, from a list or from one number for all; null when absent or the list is too short. */
    perLayer: (key: string, layers: number): readonly number[] | null => {
      if (layers < 1 || layers > maxLayers) return null
      const list = listOf(key)?.values ?? null
      if (list !== null) return list.length >= layers && list.every(isCount) ? list.slice(0, layers) : null
      const one = count(key) ?? (values.get(key) === true ? 1 : values.get(key) === false ? 0 : null)
      return one === null ? null : new Array<number>(layers).fill(one)
    },
    isList: (key: string): boolean => listOf(key) !== null,
    /** How many values a list has, even if they were skipped; null when there is no such list. */
    listLength: (key: string): number | null => listOf(key)?.count ?? null,
  }
}
