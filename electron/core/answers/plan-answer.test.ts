// The plan's answer: planned beside allocated, and unknown instead of guessed.
import { expect, it } from 'vitest'
import { PlanAnswerSchema } from '../../contract/question.ts'
import { readGgufHeader } from '../gguf/gguf-header.ts'
import { comparePlan } from '../memory/memory-map.ts'
import { planMemory } from '../memory/memory-plan.ts'
import { reservesFor } from '../memory/reserves.ts'
import { describeMemory } from './plan-answer.ts'

const header = new URL('../gguf/fixtures/Llama-3.2-3B-Instruct-Q4_K_M.header.gguf', import.meta.url).pathname
const totalBytes = 64e9
const plan = planMemory({
  target: await readGgufHeader(header),
  draft: null,
  projectorBytes: null,
  server: {
    contextTokens: 32_768,
    slots: 4,
    gpuLayers: 99,
    draftGpuLayers: 99,
    unifiedKv: false,
    cacheTypeK: 'q4_0',
    cacheTypeV: 'q4_0',
    draftCacheTypeK: 'q4_0',
    draftCacheTypeV: 'q4_0',
    batchTokens: 512,
    microBatchTokens: 512,
    promptCacheBytes: 0,
    fullSlidingCache: false,
    checkpointsPerSlot: 32,
    checkpointStepTokens: 8192,
    projectorPath: null,
    projectorOnGpu: true,
    unread: [],
  },
  ramDiskBytes: 8e9,
  machine: { totalBytes, gpuLimitBytes: null },
  reserves: reservesFor(totalBytes),
  whyNoPool: 'nothing guards a pool here',
})

it('shows allocated beside planned, with unplanned allocations last', () => {
  const actual = { modelBytes: 2e9, copiedBytes: 5e8, mappedDevices: 1, kvBytes: 1e9, computeBytes: 1e8 }
  const differences = comparePlan(plan, { target: actual, draft: null })
  const { memory, memoryUnknown } = describeMemory({ kind: 'planned', plan }, differences)
  expect(memoryUnknown).toBeNull()
  expect(PlanAnswerSchema.shape.memory.parse(memory)).toEqual(memory)
  expect(memory?.lines.find(({ label }) => label === 'AI Engine (weights)')).toMatchObject({
    allocatedBytes: 2e9,
  })
  expect(memory?.lines.find(({ label }) => label === 'Linker reserve')?.allocatedBytes).toBeNull()
  expect(memory?.lines.at(-1)).toMatchObject({ bytes: null, allocatedBytes: 5e8 })
  expect(memory?.lines).toHaveLength(plan.lines.length + 1)
})

it('has no verdict when it is unknown', () => {
  expect(describeMemory({ kind: 'unknown', reason: 'no such file', files: 'missing' }, [])).toEqual({
    memory: null,
    memoryUnknown: 'no such file',
  })
  const uncounted = { ...plan, verdict: 'unknown' as const, uncounted: 'model: a kind of cache of its own' }
  expect(describeMemory({ kind: 'planned', plan: uncounted }, [])).toEqual({
    memory: null,
    memoryUnknown: 'model: a kind of cache of its own',
  })
})
