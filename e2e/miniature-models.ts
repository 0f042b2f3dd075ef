// Models of a few hundred KB with the keys and tensors of real architectures and nothing but zeros in them.
// Not among them: rwkv6 (its graph wants shapes that its loader does not name), rwkv6qwen2 and arwkv7 (sized as rwkv7), and
// barbet, laguna, minimax-m3 and nanbeige, which b10068 does not know. Those are counted from llama.cpp's sources alone.
import { readFileSync } from 'node:fs'
import { type MadeTensor, type MadeValue, makeGguf } from '../electron/core/gguf/test-support/made-gguf.ts'

/**
 * Which tensors there must be, and their shapes, is what b10068 itself said one after the other ("missing tensor", "has wrong
 * shape; expected"), and those that it loads without but computes with (ssm_conv1d.bias, attn_qkv, attn_gate). Keys are those
 * of its src/models/*.cpp; the numbers are made up, small, and not those of any model.
 */
interface Miniature {
  readonly architecture: string
  readonly pairs: Readonly<Record<string, MadeValue>>
  /** Lengths by name; `blk.0,2.attn_norm.weight` stands for layers 0 and 2. */
  readonly tensors: Readonly<Record<string, readonly number[]>>
}

const miniatures: Readonly<Record<string, Miniature>> = JSON.parse(
  readFileSync(new URL('fixtures/miniature-models.json', import.meta.url), 'utf8'),
)

export const miniatureNames: readonly string[] = Object.keys(miniatures)

const f32Bytes = 4
const alignment = 32

export function makeMiniature(name: string): Buffer {
  const miniature = miniatures[name]
  if (miniature === undefined) throw new Error(`no miniature is called ${name}`)
  const tensors: MadeTensor[] = []
  let dataBytes = 0
  for (const [names, lengths] of Object.entries(miniature.tensors))
    for (const tensorName of expandLayers(names)) {
      tensors.push({ name: tensorName, lengths, typeNumber: 0, dataOffset: dataBytes })
      const bytes = lengths.reduce((product, length) => product * length, f32Bytes)
      dataBytes += Math.ceil(bytes / alignment) * alignment
    }
  const pairs: readonly (readonly [string, MadeValue])[] = [
    ['general.architecture', { type: 'text', value: miniature.architecture }],
    ...Object.entries(miniature.pairs).map(
      ([key, value]) => [`${miniature.architecture}.${key}`, value] as const,
    ),
    ['tokenizer.ggml.model', { type: 'text', value: 'no_vocab' }],
  ]
  return makeGguf({ pairs, tensors, dataBytes })
}

function expandLayers(names: string): readonly string[] {
  const [, layers, rest] = /^blk\.([\d,]+)\.(.+)$/.exec(names) ?? []
  return layers === undefined ? [names] : layers.split(',').map((layer) => `blk.${layer}.${rest}`)
}
