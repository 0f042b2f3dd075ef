// A profile's memory settings, and the pinned flags that override them.
import { describe, expect, it } from 'vitest'
import type { Profile } from '../../contract/profile.ts'
import { plannedServer } from './planned-server.ts'

const profile: Profile['llamaServer'] = {
  binaryPath: null,
  modelPath: '/models/a.gguf',
  draftModelPath: null,
  alias: 'a',
  host: '127.0.0.1',
  port: 8080,
  slots: 4,
  contextTokens: 8192,
  unifiedKv: false,
  gpuLayers: 99,
  cacheTypeK: 'q4_0',
  cacheTypeV: 'q4_0',
  draftCacheTypeK: 'q4_0',
  draftCacheTypeV: 'q4_0',
  speculation: 'none',
  batchTokens: 512,
  microBatchTokens: 512,
  promptCacheMiB: 100,
  pinnedFlags: [],
}

describe('plannedServer', () => {
  it("uses the profile's values", () => {
    expect(plannedServer(profile)).toMatchObject({
      contextTokens: 8192,
      slots: 4,
      promptCacheBytes: 104_857_600,
    })
  })

  it('prefers pinned flags, the last of each kind', () => {
    const pinnedFlags = [
      '-c',
      '1024',
      '-kvu',
      '--swa-full',
      '-ctkd',
      'f16',
      '--ctx-size',
      '4096',
      '-cram',
      '0',
      '-ub',
      '64',
    ]
    expect(plannedServer({ ...profile, pinnedFlags })).toMatchObject({
      contextTokens: 4096,
      unifiedKv: true,
      fullSlidingCache: true,
      draftCacheTypeK: 'f16',
      draftCacheTypeV: 'q4_0',
      promptCacheBytes: 0,
      microBatchTokens: 64,
    })
  })

  it('ignores unrelated flags', () => {
    const pinnedFlags = ['--threads', '4']
    expect(plannedServer({ ...profile, pinnedFlags })).toEqual(plannedServer(profile))
  })

  it.each([
    ['-c', '128k'],
    ['-c', '-5'],
    ['-c', '0'],
    ['-np', '0'],
    ['-np', '-1'],
    ['-b', '0'],
    ['-cram', '-1'],
    ['-ctk', 'q9_0'],
    ['--ctx-checkpoints', 'many'],
    ['--spec-type', 'ngram-mod,draft-mtp'],
  ])('gives no sum with %s %s, whose effect on memory is unknown', (flag, value) => {
    const planned = plannedServer({ ...profile, pinnedFlags: [flag, value] })
    expect(planned).toEqual({
      ...plannedServer(profile),
      unread: [expect.stringContaining(`${flag} ${value}`)],
    })
  })

  it.each([
    ['--mmproj', '/m/mmproj.gguf'],
    ['-mm', '/m/mmproj.gguf'],
    ['--mmproj-url', 'https://example.com/mmproj.gguf'],
    ['--cpu-moe'],
    ['-ncmoe', '12'],
    ['-ot', 'exps=CPU'],
    ['-nkvo'],
    ['--spec-draft-n-cpu-moe', '4'],
    ['--spec-draft-override-tensor', 'exps=CPU'],
    ['--lora', '/m/adapter.gguf'],
    ['-md', '/m/other.gguf'],
    ['--model', '/m/other.gguf'],
    ['--gpt-oss-20b-default'],
    ['--fim-qwen-7b-spec'],
    ['--embd-gemma-default'],
    ['--moe-cache-mib', '4096'],
    ['--n-cpu-ffn', '12'],
    ['--lazy-mode', 'on'],
    ['--rpc', '10.0.0.2:50052'],
    ['-dev', 'none'],
    ['--spec-draft-device', 'none'],
  ])('reports that a pinned %s is not counted', (...pinnedFlags) => {
    expect(plannedServer({ ...profile, pinnedFlags }).unread).toEqual([
      expect.stringContaining(`the pinned ${pinnedFlags[0]} is not counted`),
    ])
  })

  it("reads each model's number of GPU layers; a word may mean all", () => {
    const read = (...pinnedFlags: string[]) => plannedServer({ ...profile, gpuLayers: 40, pinnedFlags })
    expect(read()).toMatchObject({ gpuLayers: 40, draftGpuLayers: 40 })
    expect(read('-ngl', '20', '-ngld', '0')).toMatchObject({ gpuLayers: 20, draftGpuLayers: 0 })
    expect(read('-ngl', 'auto')).toMatchObject({ gpuLayers: Number.POSITIVE_INFINITY, unread: [] })
  })

  it('reads checkpoints and a projector', () => {
    const read = (...pinnedFlags: string[]) => plannedServer({ ...profile, pinnedFlags })
    expect(read()).toMatchObject({ checkpointsPerSlot: 32, checkpointStepTokens: 8192, projectorPath: null })
    expect(read('--ctx-checkpoints', '4', '-cms', '1024')).toMatchObject({
      checkpointsPerSlot: 4,
      checkpointStepTokens: 1024,
      unread: [],
    })
    expect(read('-mm', '/m/eyes.gguf', '--no-mmproj-offload')).toMatchObject({
      projectorPath: '/m/eyes.gguf',
      projectorOnGpu: false,
    })
    expect(read('--spec-type', 'ngram-mod')).toEqual(plannedServer(profile))
  })

  it('reads a limit for each slot of a pool', () => {
    const read = (value: string) =>
      plannedServer({ ...profile, pinnedFlags: ['--kv-unified-per-slot', value] })
    expect(read('65536')).toMatchObject({ slotLimitTokens: 65_536, unread: [] })
    expect(read('64k').unread).toHaveLength(1)
  })

  it('reads a long flag with underscores, as llama-server does', () => {
    const read = (...pinnedFlags: string[]) => plannedServer({ ...profile, pinnedFlags })
    expect(read('--ctx_size', '4096', '--swa_full')).toEqual(read('--ctx-size', '4096', '--swa-full'))
    expect(read('--cpu_moe').unread).toHaveLength(1)
  })

  it("reads -c 0 as the model's training context", () => {
    const planned = plannedServer({ ...profile, pinnedFlags: ['-c', '0'] }, 131_072)
    expect(planned).toMatchObject({ contextTokens: 131_072, unread: [] })
  })
})
