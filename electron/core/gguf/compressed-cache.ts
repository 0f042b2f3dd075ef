// DeepSeek V4's caches: a sliding one in every layer, and compressed ones with one cell per 4 or 128 tokens
// (llama.cpp, src/llama-kv-cache-dsv4.cpp, llama_kv_cache_dsv4 and llama_dsv4_comp_state; the same in b10054 and b10256).
import { type KnownKvShape, kvLayer } from './kv-layer.ts'
import type { MetadataQuestions } from './metadata.ts'

/** DSV4_CSA_RATIO and DSV4_HCA_RATIO. */
const finelyTokens = 4
const coarselyTokens = 128

interface CompressedDimensions {
  readonly allLayers: number
  readonly predictors: number
  readonly kvHeads: readonly number[]
  readonly keyLength: number
}

/** Keys only, like dsv4_make_k_only. Returns a sentence when the file lacks something that llama.cpp needs. */
export function compressedShape(
  architecture: string,
  { allLayers, predictors, kvHeads, keyLength }: CompressedDimensions,
  ask: MetadataQuestions,
): KnownKvShape | string {
  const key = (name: string): string => `${architecture}.attention.${name}`
  const windowTokens = ask.count(key('sliding_window'))
  const indexKeyLength = ask.count(key('indexer.key_length'))
  const ratios = ask.perLayer(key('compress_ratios'), allLayers)
  if (!windowTokens || !indexKeyLength || ratios === null)
    return `${key('sliding_window')}, ${key('indexer.key_length')} or ${key('compress_ratios')} is missing or too short`
  const layers = kvHeads.flatMap((heads, layer) => {
    const raw = kvLayer(heads, keyLength, 0, { slides: true })
    const tokensPerCell = ratios[layer]
    if (tokensPerCell !== coarselyTokens && tokensPerCell !== finelyTokens) return [raw]
    const compressed = kvLayer(heads, keyLength, 0, { tokensPerCell })
    return tokensPerCell === coarselyTokens
      ? [raw, compressed]
      : [raw, compressed, kvLayer(1, indexKeyLength, 0, { tokensPerCell })]
  })
  // Tokens not yet compressed, as sums and scores: two f32 tensors in each layer of the trunk.
  const pending = ratios.slice(0, allLayers - predictors).map((ratio) => {
    if (ratio === coarselyTokens) return 2 * coarselyTokens * keyLength
    return ratio === finelyTokens ? 2 * (2 * finelyTokens) * 2 * (keyLength + indexKeyLength) : 0
  })
  return {
    kind: 'known',
    layers,
    windowTokens,
    state: {
      layers: pending.filter((values) => values > 0).length,
      valuesPerSlot: pending.reduce((sum, values) => sum + values, 0),
    },
    alwaysSplit: true,
    remark: 'each slot has its own compressed caches, even in a pool',
  }
}
