// Makes small GGUF files for tests: well-formed ones, and ones that lie.

export type MadeValue =
  | { readonly type: 'u16' | 'u32' | 'u64' | 'f32'; readonly value: number }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'text'; readonly value: string }
  | { readonly type: 'texts'; readonly value: readonly string[] }
  | { readonly type: 'numbers'; readonly value: readonly number[] }
  | { readonly type: 'bools'; readonly value: readonly boolean[] }
  | { readonly type: 'raw'; readonly bytes: Buffer }

export interface MadeTensor {
  readonly name: string
  readonly lengths: readonly number[]
  readonly typeNumber: number
  readonly dataOffset: number
}

export interface MadeGguf {
  readonly version?: number
  readonly magic?: string
  readonly pairs?: readonly (readonly [string, MadeValue])[]
  readonly tensors?: readonly MadeTensor[]
  /** What the fixed header claims, where that shall differ from what follows. */
  readonly claimedPairs?: bigint
  readonly claimedTensors?: bigint
  readonly dataBytes?: number
  readonly alignment?: number
}

export const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
export const u64 = (value: number | bigint): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}
export const text = (value: string): Buffer =>
  Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)])

function encodeValue(value: MadeValue): Buffer {
  switch (value.type) {
    case 'u16': {
      const bytes = Buffer.alloc(2)
      bytes.writeUInt16LE(value.value)
      return Buffer.concat([u32(2), bytes])
    }
    case 'u32':
      return Buffer.concat([u32(4), u32(value.value)])
    case 'u64':
      return Buffer.concat([u32(10), u64(value.value)])
    case 'f32': {
      const bytes = Buffer.alloc(4)
      bytes.writeFloatLE(value.value)
      return Buffer.concat([u32(6), bytes])
    }
    case 'bool':
      return Buffer.concat([u32(7), Buffer.from([value.value ? 1 : 0])])
    case 'text':
      return Buffer.concat([u32(8), text(value.value)])
    case 'texts':
      return Buffer.concat([u32(9), u32(8), u64(value.value.length), ...value.value.map(text)])
    case 'numbers':
      return Buffer.concat([u32(9), u32(4), u64(value.value.length), ...value.value.map(u32)])
    case 'bools':
      return Buffer.concat([u32(9), u32(7), u64(value.value.length), Buffer.from(value.value.map(Number))])
    case 'raw':
      return value.bytes
  }
}

const encodeTensor = (tensor: MadeTensor): Buffer =>
  Buffer.concat([
    text(tensor.name),
    u32(tensor.lengths.length),
    ...tensor.lengths.map(u64),
    u32(tensor.typeNumber),
    u64(tensor.dataOffset),
  ])

export function makeGguf(made: MadeGguf): Buffer {
  const pairs = made.pairs ?? []
  const tensors = made.tensors ?? []
  const header = Buffer.concat([
    Buffer.from(made.magic ?? 'GGUF'),
    u32(made.version ?? 3),
    u64(made.claimedTensors ?? BigInt(tensors.length)),
    u64(made.claimedPairs ?? BigInt(pairs.length)),
    ...pairs.map(([key, value]) => Buffer.concat([text(key), encodeValue(value)])),
    ...tensors.map(encodeTensor),
  ])
  if (made.dataBytes === undefined) return header
  const alignment = made.alignment ?? 32
  const dataOffset = Math.ceil(header.length / alignment) * alignment
  return Buffer.concat([header, Buffer.alloc(dataOffset - header.length + made.dataBytes)])
}

/** A model of made-up numbers: 4 layers, 2 KV heads of 64, a vocabulary of four. */
export function makePairs(
  architecture: string,
  changes: Readonly<Record<string, MadeValue>> = {},
): readonly (readonly [string, MadeValue])[] {
  const pairs: Record<string, MadeValue> = {
    'general.architecture': { type: 'text', value: architecture },
    [`${architecture}.block_count`]: { type: 'u32', value: 4 },
    [`${architecture}.context_length`]: { type: 'u32', value: 8192 },
    [`${architecture}.embedding_length`]: { type: 'u32', value: 256 },
    [`${architecture}.feed_forward_length`]: { type: 'u32', value: 512 },
    [`${architecture}.attention.head_count`]: { type: 'u32', value: 4 },
    [`${architecture}.attention.head_count_kv`]: { type: 'u32', value: 2 },
    'tokenizer.ggml.model': { type: 'text', value: 'gpt2' },
    'tokenizer.ggml.tokens': { type: 'texts', value: ['a', 'b', 'c', 'd', 'e', 'f', 'g'] },
    ...changes,
  }
  return Object.entries(pairs)
}
