// Reads the tensor list of a GGUF header: how many bytes of weights there must be, and where they end.
import type { ByteReader } from './byte-reader.ts'
import { readText } from './metadata.ts'
import { removedTensorTypes, type TensorType, tensorTypes } from './tensor-types.ts'

const maxTensors = 262_144
/** GGML_MAX_NAME is 64 with the closing zero. */
const maxNameBytes = 63
const maxDimensions = 4
const smallestTensorBytes = 8 + 1 + 4 + 8 + 4 + 8

const padTo = (bytes: number, alignment: number): number => Math.ceil(bytes / alignment) * alignment

function typeOf(reader: ByteReader, at: number, name: string, number: number): TensorType {
  const found = tensorTypes[number]
  if (found !== undefined) return found
  const removed = removedTensorTypes[number]
  const what =
    removed === undefined ? `type ${number}, which is unknown` : `type ${removed}, which llama.cpp removed`
  return reader.fail(at, `tensor '${name}' has ${what}; allowed are ggml's types 0 to 42`)
}

async function readTensorInfo(reader: ByteReader, position: string) {
  const infoOffset = reader.offset()
  const name = (await readText(reader, maxNameBytes, `the name of tensor ${position}`)).toString('utf8')
  await reader.ensure(4, `tensor '${name}'`)
  const dimensions = reader.takeU32()
  if (dimensions > maxDimensions)
    reader.fail(
      infoOffset,
      `tensor '${name}' has ${dimensions} dimensions; at most ${maxDimensions} are allowed`,
    )
  await reader.ensure(dimensions * 8 + 12, `tensor '${name}'`)
  const lengths = Array.from({ length: dimensions }, () => reader.takeU64())
  const values = lengths.reduce((product, length) => product * length, 1)
  const type = typeOf(reader, infoOffset, name, reader.takeU32())
  const rowValues = lengths[0] ?? 1
  if (!Number.isSafeInteger(values * 8))
    reader.fail(infoOffset, `tensor '${name}' has ${lengths.join(' x ')} values; that is not a real size`)
  if (rowValues % type.blockValues !== 0)
    reader.fail(
      infoOffset,
      `tensor '${name}' has rows of ${rowValues} values; ${type.name} needs a multiple of ${type.blockValues}`,
    )
  const bytes = (values / type.blockValues) * type.blockBytes
  return { name, bytes, dataOffset: reader.takeU64(), infoOffset }
}

function checkCount(reader: ByteReader, tensorCount: number): void {
  const start = reader.offset()
  if (tensorCount > maxTensors)
    reader.fail(start, `the header claims ${tensorCount} tensors; at most ${maxTensors} are allowed`)
  if (tensorCount * smallestTensorBytes > reader.fileBytes - start)
    reader.fail(start, `the header claims ${tensorCount} tensors; the file ends at byte ${reader.fileBytes}`)
}

export async function readTensors(reader: ByteReader, tensorCount: number, alignment: number) {
  checkCount(reader, tensorCount)
  const seen = new Map<string, number>()
  let tensorBytes = 0
  let dataEnd = 0
  for (let index = 0; index < tensorCount; index += 1) {
    const tensor = await readTensorInfo(reader, `${index + 1} of ${tensorCount}`)
    if (seen.has(tensor.name))
      reader.fail(tensor.infoOffset, `tensor '${tensor.name}' occurs twice; once is allowed`)
    // gguf.cpp refuses gaps and overlaps in the same way.
    if (tensor.dataOffset !== tensorBytes)
      reader.fail(
        tensor.infoOffset,
        `the data of tensor '${tensor.name}' is declared at ${tensor.dataOffset}; after the preceding tensors it must be at ${tensorBytes}`,
      )
    seen.set(tensor.name, tensor.bytes)
    dataEnd = tensorBytes + tensor.bytes
    tensorBytes += padTo(tensor.bytes, alignment)
  }
  const dataOffset = padTo(reader.offset(), alignment)
  return {
    tensorCount,
    /** Weights including the padding between them: what llama.cpp maps or loads. */
    tensorBytes,
    /** Sizes of the two tensors that a model may share between input and output; null when absent. */
    tokenEmbeddingBytes: seen.get('token_embd.weight') ?? null,
    outputBytes: seen.get('output.weight') ?? null,
    /** First byte of the weights. */
    dataOffset,
    /** Minimum file size: writers may omit the padding after the last tensor. */
    requiredFileBytes: tensorCount === 0 ? reader.offset() : dataOffset + dataEnd,
  }
}
