// How llama.cpp stores the context of each architecture, from its sources: src/llama-arch.cpp (LLM_ARCH_NAMES,
// llm_arch_is_recurrent, llm_arch_is_hybrid) and src/llama-model.cpp (create_memory), read at b10054 and b10256 (as
// carried by mybigday/llama.rn). b10068 loads the same architectures as b10054.

/**
 * - `attention`: keys and values in every layer. Like llama.cpp we ignore a sliding window in such a file (phi3:
 *   ggml-org/llama.cpp#13676), unless sliding-window.ts has a rule.
 * - `recurrent`: a fixed state per sequence instead of a cache.
 * - `hybrid`: a cache in some layers, a state in others (falcon-h1: both in all).
 * - `indexed`: a cache plus one of small index keys, which sparse attention selects by (DSA, MSA).
 * - `compressed`: caches with one cell for several tokens (DeepSeek V4).
 */
export type MemoryKind = 'attention' | 'recurrent' | 'hybrid' | 'indexed' | 'compressed'

const words = (text: string): readonly string[] => text.split(' ')

const kinds: Readonly<Record<MemoryKind, readonly string[]>> = {
  attention: words(
    'llama llama4 deci falcon grok gpt2 gptneox mpt baichuan starcoder refact bloom stablelm qwen qwen2 qwen2moe qwen2vl ' +
      'qwen3 qwen3moe qwen3vl qwen3vlmoe phi2 phi3 phimoe plamo plamo3 codeshell orion internlm2 minicpm minicpm3 gemma ' +
      'gemma2 gemma3 gemma3n gemma4 starcoder2 xverse command-r cohere2 cohere2moe dbrx olmo olmo2 olmoe openelm arctic ' +
      'deepseek deepseek2 deepseek2-ocr chatglm glm4 glm4moe bitnet jais jais2 nemotron exaone exaone4 exaone-moe granite ' +
      'granitemoe chameleon plm bailingmoe bailingmoe2 dots1 arcee afmoe laguna ernie4_5 ernie4_5-moe hunyuan-moe ' +
      'hunyuan-dense hunyuan_vl hy_v3 smollm3 gpt-oss smallthinker seed_oss grovemoe apertus minimax-m2 cogvlm ' +
      'pangu-embedded mistral3 mistral4 paddleocr mimo2 step35 maincoder talkie mellum nanbeige',
  ),
  recurrent: words('mamba mamba2 rwkv6 rwkv6qwen2 rwkv7 arwkv7'),
  hybrid: words(
    'jamba falcon-h1 plamo2 granitehybrid lfm2 lfm2moe nemotron_h nemotron_h_moe qwen3next kimi-linear qwen35 qwen35moe barbet',
  ),
  indexed: words('deepseek32 glm-dsa minimax-m3'),
  compressed: words('deepseek4'),
}

/** Why the rest of llama.cpp's list isn't counted. */
const otherMemory: readonly (readonly [RegExp, string])[] = [
  [
    /^(\S*bert\S*|gemma-embedding|llama-embed|t5encoder)$/,
    'it computes embeddings and does not generate text, so agents cannot use it',
  ],
  [/^(llada\S*|dream|rnd1)$/, 'it is a diffusion model, which llama-server cannot serve token by token'],
  [/^t5$/, 'it is an encoder-decoder model, which llama-server does not serve'],
  [/^(eagle3|dflash|gemma4-assistant)$/, 'it only drafts for another model, using its cache'],
  [/^wavtokenizer-dec$/, 'it generates sound, not text'],
  [/^gptj$/, 'llama.cpp knows its name but cannot load it'],
]

const kindOf = new Map(
  (Object.keys(kinds) as MemoryKind[]).flatMap((kind) => kinds[kind].map((name) => [name, kind] as const)),
)

/** null: not counted; `whyNotCounted` says why. */
export const memoryKindOf = (architecture: string): MemoryKind | null => kindOf.get(architecture) ?? null

export function whyNotCounted(architecture: string): string {
  const why = otherMemory.find(([pattern]) => pattern.test(architecture))?.[1]
  return `the memory of architecture '${architecture}' is not counted here: ${why ?? 'it is newer than this list (llama.cpp b10256), or misspelt'}`
}

/**
 * Whether llama.cpp allocates no cache in the model's own context for the last layers, which only predict further tokens
 * (MTP, `nextn_predict_layers`). By default it does, although it never runs them: create_memory filters them out only for
 * these. (b10256 also leaves out mimo2's and deepseek32's, b10068 doesn't: we plan the larger size.)
 */
export const leavesOutPredictors = (architecture: string): boolean =>
  ['step35', 'hy_v3', 'glm-dsa', 'qwen3next', 'qwen35', 'qwen35moe'].includes(architecture)

/** Architectures where `key_length_mla` means that keys are stored compressed and values not at all. */
export const mayCompressKeys = (architecture: string): boolean =>
  ['deepseek2', 'mistral4', 'deepseek32', 'glm-dsa', 'kimi-linear'].includes(architecture)
