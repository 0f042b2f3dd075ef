// Cells and bytes of KV caches against what b10068 and b10434 logged for gemma-3-270m (3 full, 15 sliding layers).
import { describe, expect, it } from 'vitest'
import type { KnownKvShape } from '../gguf/kv-layer.ts'
import { type KvCacheSettings, planKvCache } from './kv-cache.ts'

const mebibyte = 1024 * 1024
const gemma: KnownKvShape = {
  kind: 'known',
  windowTokens: 512,
  layers: Array.from({ length: 18 }, (_, layer) => ({
    keyValues: 256,
    valueValues: 256,
    keyHeadValues: 256,
    valueHeadValues: 256,
    slides: layer % 6 < 5,
    tokensPerCell: 1,
  })),
  state: null,
  alwaysSplit: false,
  remark: null,
}
const settings: KvCacheSettings = {
  contextTokens: 65_536,
  slots: 4,
  unifiedKv: false,
  microBatchTokens: 512,
  batchTokens: 2048,
  fullSlidingCache: false,
  typeK: 'f16',
  typeV: 'f16',
}

describe('planKvCache', () => {
  it.each([
    ['-c 65536 -np 4', {}, 16_384, 1024, 192 + 60],
    ['-c 65536 -np 4 -kvu', { unifiedKv: true }, 65_536, 2560, 192 + 37.5],
    ['-c 8192 -np 1', { contextTokens: 8192, slots: 1 }, 8192, 1024, 24 + 15],
    [
      '-c 8192 -np 4, q8_0',
      { contextTokens: 8192, typeK: 'q8_0', typeV: 'q8_0' },
      2048,
      1024,
      12.75 + 31.875,
    ],
    [
      '-c 10000 -np 3 -ctk q8_0',
      { contextTokens: 10_000, slots: 3, typeK: 'q8_0' },
      3584,
      1024,
      24.12 + 34.45,
    ],
    ['-c 65536 -np 1 -ub 256', { slots: 1, microBatchTokens: 256 }, 65_536, 768, 192 + 11.25],
    ['-c 65536 -np 1 -ub 1024', { slots: 1, microBatchTokens: 1024 }, 65_536, 1536, 192 + 22.5],
    ['-c 65536 -np 4 --swa-full', { fullSlidingCache: true }, 16_384, 16_384, 192 + 960],
    ['-c 300 -np 1', { contextTokens: 300, slots: 1 }, 512, 512, 1.5 + 7.5],
    [
      '-c 131072 -np 4 -kvu, q4_0',
      { contextTokens: 131_072, unifiedKv: true, typeK: 'q4_0', typeV: 'q4_0' },
      131_072,
      2560,
      108 + 10.55,
    ],
  ] as const)('%s', (_, changes, perStream, slidingPerStream, loggedMiB) => {
    const size = planKvCache(gemma, { ...settings, ...changes })
    if (size.kind === 'unknown') throw new Error(size.reason)
    expect(size.cells).toMatchObject({ perStream, slidingPerStream })
    expect(Math.abs(size.bytes / mebibyte - loggedMiB)).toBeLessThan(0.02)
  })

  it('does not count what llama-server refuses: heads that do not divide into blocks', () => {
    const odd: KnownKvShape = {
      ...gemma,
      layers: gemma.layers.map((layer) => ({ ...layer, keyHeadValues: 80 })),
    }
    expect(planKvCache(odd, { ...settings, typeK: 'q4_0' })).toMatchObject({ kind: 'unknown' })
    expect(planKvCache(odd, settings)).toMatchObject({ kind: 'known' })
  })
})
