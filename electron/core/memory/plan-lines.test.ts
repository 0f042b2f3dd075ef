import { expect, it } from 'vitest'
import type { KvCacheSize } from './kv-cache.ts'
import { sayPromptCache } from './plan-lines.ts'

/** The studio's 70B with q4_0: 92,160 B a token. */
const studio = {
  kind: 'known',
  bytes: 319_488 * 92_160,
  stateBytes: 0,
  cells: { perStream: 319_488, slidingPerStream: 0, streams: 1 },
  checkpointBytes: 0,
  remark: null,
} satisfies KvCacheSize
const parking = { mostBytes: 65_536 * 1_048_576, mostAgeSeconds: 604_800 }
const off = { promptCacheBytes: 0 }

it('counts both in tokens of this model', () => {
  expect(sayPromptCache({ promptCacheBytes: 8_589_934_592 }, studio, null)).toBe(
    'host memory (--cache-ram), 93,206 tokens of this model',
  )
  expect(sayPromptCache(off, studio, parking)).toBe(
    'off; on disk up to 64.00 GiB, 745,654 tokens of this model, 168 h unused; 20,000 tokens take 1.72 GiB, written or read in 1.8 s at 1 GB/s',
  )
})

it('gives no number of tokens for a sliding window or an unknown cache', () => {
  const sliding = { ...studio, cells: { ...studio.cells, slidingPerStream: 512 } }
  const hybrid = { ...studio, stateBytes: 150 * 1_048_576 }
  for (const kv of [sliding, hybrid, { kind: 'unknown', reason: 'hybrid' } as const])
    expect(sayPromptCache(off, kv, parking)).toBe('off; on disk up to 64.00 GiB, 168 h unused')
  expect(sayPromptCache(off, studio, null)).toBe('off')
})
