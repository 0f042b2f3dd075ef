// What each kind of architecture keeps, in bytes by hand from the rules of llama.cpp's own sources (named in the code tested).
// Numbers of layers and heads are those of published models, made small where only the rule matters.
import { describe, expect, it } from 'vitest'
import type { KnownKvShape } from '../gguf/kv-layer.ts'
import { readKvShape } from '../gguf/kv-shape.ts'
import { askMetadata, type MetadataValue } from '../gguf/metadata.ts'
import { planKvCache } from './kv-cache.ts'

type Written = Readonly<Record<string, number | string | readonly number[]>>

const shapeOf = (architecture: string, written: Written) => {
  const pairs = Object.entries(written).map(([key, value]): [string, MetadataValue] => [
    `${architecture}.${key}`,
    typeof value === 'object' ? { count: value.length, values: value } : value,
  ])
  return readKvShape(architecture, askMetadata(new Map(pairs)))
}
const knownShapeOf = (architecture: string, written: Written): KnownKvShape => {
  const shape = shapeOf(architecture, written)
  if (shape.kind === 'unknown') throw new Error(shape.reason)
  return shape
}

/** Bytes at f16 of one token in the caches, and of one slot's state. */
const costOf = (architecture: string, written: Written) => {
  const one = { slots: 1, batchTokens: 256, microBatchTokens: 256, fullSlidingCache: false }
  const size = planKvCache(knownShapeOf(architecture, written), {
    ...one,
    contextTokens: 4096,
    unifiedKv: false,
    typeK: 'f16',
    typeV: 'f16',
  })
  if (size.kind === 'unknown') throw new Error(size.reason)
  return { perToken: (size.bytes - size.stateBytes) / 4096, state: size.stateBytes }
}

const attention = (layers: number, kvHeads: number | readonly number[], length: number): Written => ({
  block_count: layers,
  embedding_length: 2048,
  'attention.head_count': 16,
  'attention.head_count_kv': kvHeads,
  'attention.key_length': length,
  'attention.value_length': length,
})
const ssm = (inner: number, state: number, groups: number): Written => ({
  'ssm.conv_kernel': 4,
  'ssm.inner_size': inner,
  'ssm.state_size': state,
  'ssm.group_count': groups,
})
const compressed: Written = {
  ...attention(61, 1, 576),
  'attention.value_length': 512,
  'attention.key_length_mla': 192,
  'attention.value_length_mla': 128,
}

describe('compressed keys (MLA)', () => {
  it('keeps one key of rank and rope for all heads, and no values: DeepSeek V3.1, Kimi K2, Mistral Small 4', () => {
    expect(costOf('deepseek2', compressed)).toEqual({ perToken: 61 * 576 * 2, state: 0 })
    expect(costOf('mistral4', compressed)).toEqual({ perToken: 61 * 576 * 2, state: 0 })
  })

  it('keeps whole keys and values if the file lacks the decompressed lengths', () => {
    const old = { ...attention(4, 16, 192), 'attention.value_length': 128 }
    expect(costOf('deepseek2', old)).toEqual({ perToken: 4 * 16 * (192 + 128) * 2, state: 0 })
    expect(costOf('minicpm3', old)).toEqual({ perToken: 4 * 16 * (192 + 128) * 2, state: 0 })
  })
})

describe('index keys beside the cache', () => {
  const indexed = { ...compressed, 'attention.indexer.key_length': 128 }

  it('in every layer: DeepSeek V3.2, GLM 5', () => {
    expect(costOf('deepseek32', indexed).perToken).toBe(61 * (576 + 128) * 2)
    expect(costOf('glm-dsa', { ...indexed, context_length: 202_752 }).perToken).toBe(61 * (576 + 128) * 2)
  })

  it('shared by four layers since GLM 5.2, or as the file lists them; not for the predicting layer', () => {
    // Layers 0, 1, 2, 6, 10, ... 58 of 61.
    expect(costOf('glm-dsa', { ...indexed, context_length: 1_048_576 }).perToken).toBe(
      (61 * 576 + 17 * 128) * 2,
    )
    const listed = { ...indexed, block_count: 4, 'attention.indexer.types': [1, 0, 0, 1] }
    expect(costOf('glm-dsa', listed).perToken).toBe((4 * 576 + 2 * 128) * 2)
    expect(costOf('glm-dsa', { ...listed, nextn_predict_layers: 1 }).perToken).toBe((3 * 576 + 128) * 2)
  })

  it('with values, after the leading dense layers: MiniMax M3', () => {
    const sparse = {
      ...attention(10, 4, 128),
      'attention.indexer.key_length': 64,
      leading_dense_block_count: 3,
    }
    expect(costOf('minimax-m3', sparse).perToken).toBe((10 * 4 * 256 + 7 * (64 + 128)) * 2)
  })

  it('says what is missing', () => {
    expect(shapeOf('deepseek32', compressed)).toMatchObject({
      reason: 'deepseek32.attention.indexer.key_length is missing or not a number',
    })
  })
})

describe('hybrids', () => {
  it('every fourth layer has a cache, the others a state: Qwen3-Coder-Next, Qwen3.6', () => {
    const next = { ...attention(48, 2, 256), ...ssm(4096, 128, 16), full_attention_interval: 4 }
    const expected = { perToken: 12 * 2 * 512 * 2, state: 36 * (3 * (4096 + 2 * 16 * 128) + 128 * 4096) * 4 }
    expect(costOf('qwen3next', next)).toEqual(expected)
    expect(costOf('qwen35moe', next)).toEqual(expected)
    const { full_attention_interval: _, ...byDefault } = next
    expect(costOf('qwen35', byDefault)).toEqual(expected)
    // The layer that predicts further tokens is in neither.
    expect(costOf('qwen35', { ...next, block_count: 49, nextn_predict_layers: 1 })).toEqual(expected)
    const listed = { ...next, block_count: 3, 'attention.recurrent_layers': [0, 1, 0] }
    expect(knownShapeOf('qwen35', listed)).toMatchObject({ state: { layers: 1 } })
  })

  // "created context checkpoint 8 of 32 (..., size = 149.626 MiB)" in public logs of it: the state and a short header.
  it('keeps as much of Qwen3.6-27B as its checkpoints hold', () => {
    const { state } = costOf('qwen35', { ...attention(64, 4, 256), ...ssm(6144, 128, 16) })
    expect(state / 1024 ** 2).toBe(149.625)
  })

  it('layers without KV heads have the state: LFM2, Granite 4, Jamba, PLaMo 2', () => {
    const some = attention(4, [0, 0, 8, 0], 64)
    expect(costOf('lfm2moe', { ...some, 'shortconv.l_cache': 3 })).toEqual({
      perToken: 8 * 128 * 2,
      state: 3 * 2048 * 2 * 4,
    })
    const mamba2 = { perToken: 8 * 128 * 2, state: 3 * (3 * (1024 + 2 * 2 * 16) + 16 * 1024) * 4 }
    expect(costOf('granitehybrid', { ...some, ...ssm(1024, 16, 2) })).toEqual(mamba2)
    expect(costOf('plamo2', { ...some, ...ssm(1024, 16, 2) })).toEqual(mamba2)
    expect(costOf('barbet', { ...some, ...ssm(1024, 16, 2) })).toEqual(mamba2)
    expect(costOf('jamba', { ...some, ...ssm(1024, 16, 2) })).toEqual({
      perToken: 8 * 128 * 2,
      state: 3 * (3 * 1024 + 16 * 1024) * 4,
    })
  })

  it('a layer may have neither: Nemotron-H; or both: Falcon-H1', () => {
    const nemotron = { ...attention(4, [0, 8, 0, 0], 128), ...ssm(1024, 128, 8) }
    const state = (3 * (1024 + 2 * 8 * 128) + 128 * 1024) * 4
    const withFeedForward = { ...nemotron, feed_forward_length: [0, 0, 4096, 0] }
    expect(costOf('nemotron_h', withFeedForward)).toEqual({ perToken: 8 * 256 * 2, state: 2 * state })
    expect(costOf('nemotron_h_moe', withFeedForward)).toEqual({ perToken: 8 * 256 * 2, state: 2 * state })
    expect(costOf('falcon-h1', { ...attention(3, 2, 64), ...ssm(1024, 128, 8) })).toEqual({
      perToken: 3 * 2 * 128 * 2,
      state: 3 * state,
    })
  })

  it('compressed keys in some layers, three convolutions and a square in the others: Kimi Linear', () => {
    const kimi = {
      ...compressed,
      ...attention(4, [0, 0, 0, 1], 576),
      'attention.head_count': 32,
      'kda.head_dim': 128,
      'ssm.conv_kernel': 4,
    }
    expect(costOf('kimi-linear', kimi)).toEqual({
      perToken: 576 * 2,
      state: 3 * (3 * 3 * 32 * 128 + 128 * 128 * 32) * 4,
    })
  })

  it('sliding windows in the layers that attend: LFM2 with a window', () => {
    const windowed = { ...attention(2, [0, 8], 64), 'shortconv.l_cache': 3, 'attention.sliding_window': 1024 }
    expect(knownShapeOf('lfm2', windowed)).toMatchObject({
      windowTokens: 1024,
      layers: [{ slides: true, keyValues: 512 }],
      state: { layers: 1 },
    })
  })

  it('names what the state lacks', () => {
    expect(
      shapeOf('qwen3next', { ...attention(4, 2, 256), ...ssm(1024, 16, 2), 'ssm.state_size': 'big' }),
    ).toEqual({
      kind: 'unknown',
      reason: 'the size of its state is unknown: qwen3next.ssm.state_size missing or not a number',
    })
    const never = { ...attention(4, 2, 256), ...ssm(1024, 16, 2), full_attention_interval: 0 }
    expect(shapeOf('qwen3next', never)).toMatchObject({ kind: 'unknown' })
  })
})

describe('pure recurrence', () => {
  it('keeps a state in every layer and no cache: Mamba, RWKV', () => {
    const layers = { block_count: 24, embedding_length: 1024, 'attention.head_count': 0 }
    expect(costOf('mamba', { ...layers, ...ssm(2048, 16, 0) })).toEqual({
      perToken: 0,
      state: 24 * (3 * 2048 + 16 * 2048) * 4,
    })
    expect(costOf('mamba2', { block_count: 24, ...ssm(2048, 128, 1) })).toEqual({
      perToken: 0,
      state: 24 * (3 * (2048 + 256) + 128 * 2048) * 4,
    })
    const rwkv = { ...layers, 'wkv.head_size': 64 }
    expect(costOf('rwkv7', rwkv)).toEqual({ perToken: 0, state: 24 * 1024 * (2 + 64) * 4 })
    expect(costOf('rwkv6qwen2', { ...rwkv, token_shift_count: 1 }).state).toBe(24 * 1024 * (1 + 64) * 4)
  })
})

describe('layers that predict further tokens (MTP)', () => {
  const air = { ...attention(47, 8, 128), nextn_predict_layers: 1 }

  it('have a cache by default, with a remark: GLM 4.5 Air', () => {
    expect(costOf('glm4moe', air).perToken).toBe(47 * 8 * 256 * 2)
    expect(knownShapeOf('glm4moe', air).remark).toContain('multi-token prediction')
  })

  it('have none if llama.cpp leaves them out', () => {
    expect(costOf('hy_v3', air).perToken).toBe(46 * 8 * 256 * 2)
    expect(knownShapeOf('hy_v3', air).remark).toBeNull()
  })

  it('cannot be all layers', () => {
    expect(shapeOf('glm4moe', { ...air, nextn_predict_layers: 47 })).toMatchObject({ kind: 'unknown' })
  })
})

describe('DeepSeek V4', () => {
  const v4 = {
    ...attention(4, 1, 512),
    'attention.sliding_window': 128,
    'attention.indexer.key_length': 128,
    'attention.compress_ratios': [0, 4, 128, 4],
  }

  it('keeps a window, and cells for 4 and for 128 tokens, one of each for every slot', () => {
    const size = planKvCache(knownShapeOf('deepseek4', v4), {
      contextTokens: 65_536,
      slots: 2,
      unifiedKv: true,
      batchTokens: 512,
      microBatchTokens: 512,
      fullSlidingCache: false,
      typeK: 'f16',
      typeV: 'f16',
    })
    const window = 4 * 768 * 512
    const fine = 2 * 16_384 * (512 + 128)
    const coarse = 512 * 512
    const state = (2 * 2 * 8 * 2 * (512 + 128) + 2 * 128 * 512) * 4
    expect(size).toMatchObject({ bytes: 2 * ((window + fine + coarse) * 2 + state), stateBytes: 2 * state })
  })

  it('says what is missing', () => {
    expect(shapeOf('deepseek4', { ...v4, 'attention.compress_ratios': [4] })).toMatchObject({
      kind: 'unknown',
    })
  })
})

it('runs the layers of Nanbeige several times, with a cache each time', () => {
  expect(costOf('nanbeige', { ...attention(4, 2, 64), num_loops: 3 }).perToken).toBe(12 * 2 * 128 * 2)
})

// All names of llama.cpp's src/llama-arch.cpp at b10256.
const allArchitectures =
  'llama llama4 deci falcon grok gpt2 gptj gptneox mpt baichuan starcoder refact bert modern-bert nomic-bert ' +
  'nomic-bert-moe neo-bert jina-bert-v2 jina-bert-v3 eurobert bloom stablelm qwen qwen2 qwen2moe qwen2vl qwen3 qwen3moe ' +
  'qwen3next qwen3vl qwen3vlmoe qwen35 qwen35moe phi2 phi3 phimoe plamo plamo2 plamo3 codeshell orion internlm2 minicpm ' +
  'minicpm3 gemma gemma2 gemma3 gemma3n gemma4 gemma4-assistant gemma-embedding starcoder2 mamba mamba2 jamba falcon-h1 ' +
  'xverse command-r cohere2 cohere2moe dbrx olmo olmo2 olmoe openelm arctic deepseek deepseek2 deepseek2-ocr deepseek32 ' +
  'deepseek4 chatglm glm4 glm4moe glm-dsa bitnet t5 t5encoder jais jais2 nemotron nemotron_h nemotron_h_moe exaone exaone4 ' +
  'exaone-moe rwkv6 rwkv6qwen2 rwkv7 arwkv7 granite granitemoe granitehybrid chameleon wavtokenizer-dec plm bailingmoe ' +
  'bailingmoe2 dots1 arcee afmoe laguna ernie4_5 ernie4_5-moe hunyuan-moe hunyuan-dense hunyuan_vl hy_v3 smollm3 gpt-oss ' +
  'lfm2 lfm2moe dream smallthinker llada llada-moe seed_oss grovemoe apertus minimax-m2 minimax-m3 cogvlm rnd1 ' +
  'pangu-embedded mistral3 eagle3 dflash mistral4 paddleocr mimo2 step35 llama-embed maincoder kimi-linear talkie mellum ' +
  'barbet nanbeige'

it.each(allArchitectures.split(' '))('counts %s, or says why not', (architecture) => {
  const shape = shapeOf(architecture, {
    ...attention(4, [0, 2, 0, 2], 64),
    ...ssm(256, 16, 1),
    context_length: 4096,
    'wkv.head_size': 64,
    'kda.head_dim': 64,
    'shortconv.l_cache': 3,
    'attention.sliding_window': 512,
    'attention.sliding_window_pattern': [1, 1, 1, 0],
    'attention.indexer.key_length': 64,
    'attention.compress_ratios': [0, 4, 128, 4],
  })
  if (shape.kind === 'known') expect(shape.layers.length + (shape.state?.layers ?? 0)).toBeGreaterThan(0)
  else expect(shape.reason).not.toContain('newer than this list')
})
