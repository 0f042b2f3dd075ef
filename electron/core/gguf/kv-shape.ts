// What one token costs in the KV cache, layer by layer; "unknown" with the reason where llama.cpp counts differently.
import type { MetadataQuestions } from './metadata-reading.ts'
import { hasSlidingRule, readSliding, type Sliding } from './sliding-window.ts'

export interface KvLayer {
  /** Numbers stored per token: KV heads x head size. */
  readonly keyValues: number
  readonly valueValues: number
  /** The size of one head, which cache quantisation must divide into blocks. */
  readonly keyHeadValues: number
  readonly valueHeadValues: number
  readonly slides: boolean
}
export type KvShape =
  | { readonly kind: 'known'; readonly layers: readonly KvLayer[]; readonly windowTokens: number | null }
  | { readonly kind: 'unknown'; readonly reason: string }

/**
 * Architectures whose every layer keeps full keys and values (llama.cpp, src/llama-model.cpp, create_memory's last
 * branch: neither recurrent nor hybrid, no sliding window, no MLA, no loops). A sliding window in such a file is
 * ignored by llama.cpp too (phi3: ggml-org/llama.cpp#13676). Whatever is neither here nor in the sliding rules is unknown.
 */
const fullAttention = new Set(
  (
    'llama deci falcon grok gpt2 gptneox mpt baichuan starcoder refact bloom stablelm qwen qwen2 qwen2moe qwen2vl ' +
    'qwen3 qwen3moe qwen3vl qwen3vlmoe phi2 phi3 phimoe plamo codeshell orion internlm2 minicpm gemma starcoder2 ' +
    'xverse command-r dbrx olmo olmoe openelm arctic deepseek chatglm glm4 glm4moe bitnet jais jais2 nemotron ' +
    'exaone granite granitemoe chameleon bailingmoe bailingmoe2 dots1 arcee ernie4_5 ernie4_5-moe hunyuan-moe ' +
    'hunyuan-dense hunyuan_vl hy_v3 smollm3 seed_oss grovemoe apertus minimax-m2 cogvlm pangu-embedded mistral3 ' +
    'paddleocr maincoder'
  ).split(' '),
)

/** Why an architecture is not counted, in the words of what it does instead. */
const otherMemory: readonly (readonly [RegExp, string])[] = [
  [/^(mamba2?|rwkv[67]\w*|arwkv7)$/, 'it is recurrent: a fixed state for each slot instead of a KV cache'],
  [
    /^(jamba|falcon-h1|granitehybrid|nemotron_h\w*|plamo2|lfm2\w*|qwen3next|qwen35\w*|kimi-linear|barbet)$/,
    'it is a hybrid: only some layers have a KV cache, others a recurrent state',
  ],
  [/^(deepseek2\S*|deepseek32|deepseek4|glm-dsa|mistral4|minicpm3|plm)$/, 'it keeps compressed keys (MLA)'],
  [/^(\S*bert\S*|t5encoder|gemma-embedding|llada\S*|dream|rnd1)$/, 'it does not generate token by token'],
]

const layersWithOwnCache = (architecture: string, layers: number, ask: MetadataQuestions): number => {
  // The later layers reuse the caches of the earlier ones.
  if (architecture === 'gemma3n') return Math.min(20, layers)
  if (architecture === 'gemma4')
    return Math.max(0, layers - (ask.count('gemma4.attention.shared_kv_layers') ?? 0))
  return layers
}

interface Dimensions {
  readonly layers: number
  readonly kvHeads: readonly number[]
  readonly keyLength: number
  readonly valueLength: number
  readonly slidingKeyLength: number
  readonly slidingValueLength: number
}

/** A sentence instead of dimensions when something is missing or is no number: a default would be a wrong number. */
function readDimensions(architecture: string, ask: MetadataQuestions): Dimensions | string {
  const key = (name: string): string => `${architecture}.${name}`
  const layers = ask.count(key('block_count')) ?? 0
  // LLAMA_MAX_LAYERS is 512.
  if (layers === 0 || layers > 512)
    return `${key('block_count')} is ${layers === 0 ? 'missing or 0' : layers}; 1 to 512 layers are allowed`
  const heads = ask.perLayer(key('attention.head_count'), layers)
  const kvKey = key('attention.head_count_kv')
  const kvHeads = ask.isPresent(kvKey) ? ask.perLayer(kvKey, layers) : heads
  const firstHeads = heads?.[0] ?? 0
  if (kvHeads === null || firstHeads === 0)
    return `${key('attention.head_count')} or ${kvKey} is not there for all of its ${layers} layers`
  const embedding = ask.count(key('embedding_length'))
  const byDefault = embedding === null ? null : Math.floor(embedding / firstHeads)
  const lengthOf = (name: string, otherwise: number | null): number | null =>
    ask.isPresent(key(name)) ? ask.count(key(name)) : otherwise
  const keyLength = lengthOf('attention.key_length', byDefault)
  const valueLength = lengthOf('attention.value_length', byDefault)
  const slidingKeyLength = lengthOf('attention.key_length_swa', keyLength)
  const slidingValueLength = lengthOf('attention.value_length_swa', valueLength)
  if (!keyLength || !valueLength || !slidingKeyLength || !slidingValueLength)
    return `the sizes of its heads (${key('attention.key_length')} and the like) are missing or no numbers`
  return { layers, kvHeads, keyLength, valueLength, slidingKeyLength, slidingValueLength }
}

function layerOf(headCount: number, slides: boolean, dimensions: Dimensions): KvLayer {
  const keyHeadValues = slides ? dimensions.slidingKeyLength : dimensions.keyLength
  const valueHeadValues = slides ? dimensions.slidingValueLength : dimensions.valueLength
  return {
    keyValues: headCount * keyHeadValues,
    valueValues: headCount * valueHeadValues,
    keyHeadValues,
    valueHeadValues,
    slides,
  }
}

const slidesAt = (sliding: Sliding, layer: number): boolean =>
  sliding.kind === 'some' && sliding.slides[layer] === true

export function readKvShape(architecture: string, ask: MetadataQuestions): KvShape {
  const unknown = (reason: string): KvShape => ({ kind: 'unknown', reason })
  if (!fullAttention.has(architecture) && !hasSlidingRule(architecture)) {
    const why = otherMemory.find(([pattern]) => pattern.test(architecture))?.[1]
    const because = why === undefined ? '' : `: ${why}`
    return unknown(`the KV cache of architecture '${architecture}' is not counted here${because}`)
  }
  if ((ask.count(`${architecture}.nextn_predict_layers`) ?? 0) > 0)
    return unknown('it has next-token prediction layers, and builds differ on whether those get a cache')
  const dimensions = readDimensions(architecture, ask)
  if (typeof dimensions === 'string') return unknown(dimensions)
  const sliding = readSliding(architecture, dimensions.layers, ask)
  if (sliding.kind === 'unknown') return unknown(sliding.reason)
  const ownCaches = layersWithOwnCache(architecture, dimensions.layers, ask)
  return {
    kind: 'known',
    windowTokens: sliding.kind === 'some' ? sliding.windowTokens : null,
    layers: dimensions.kvHeads
      .slice(0, ownCaches)
      .map((headCount, layer) => layerOf(headCount, slidesAt(sliding, layer), dimensions)),
  }
}
