import { describe, expect, it } from 'vitest'
import type { MemoryPlan } from '../../contract/memory-plan.ts'
import type { Memory } from '../../contract/snapshot.ts'
import { judgePlan, judgeStrain, judgeWiredLimit } from './checks-on-memory.ts'

const GB = 1e9
const memory: Memory = {
  totalBytes: 256 * GB,
  usedBytes: 56 * GB,
  availableBytes: 200 * GB,
  wiredBytes: 10 * GB,
  compressedBytes: 0,
  swapUsedBytes: 0,
  swapOutBytesPerSecond: 0,
  pressure: 'normal',
  gpuLimitBytes: null,
  cpuPercent: null,
}
const plan: MemoryPlan = {
  lines: [],
  totalBytes: 240 * GB,
  withoutLinkerBytes: 190 * GB,
  machineBytes: 256 * GB,
  gpu: { neededBytes: 120 * GB, limitBytes: null },
  verdict: 'fits',
  reasons: ['physical memory: over'],
  uncounted: null,
  agents: { mode: 'split', agents: 4, tokensPerAgent: 1, tokensTogether: 4, note: '' },
  largest: { split: null, pool: null },
  suggestions: [
    { id: 'smaller-ram-disk', text: 'a small step', savesBytes: 1, isEnough: false },
    { id: 'no-draft', text: 'no draft model', savesBytes: 2, isEnough: true },
  ],
  warnings: [],
  swapRule: '',
  sharedEmbeddingBytes: { target: 0, draft: 0 },
}
const planned = (change: Partial<MemoryPlan>) => ({ kind: 'planned', plan: { ...plan, ...change } }) as const

describe('judgePlan', () => {
  it('follows the verdict, and suggests the change that suffices', () => {
    expect(judgePlan(planned({})).level).toBe('ok')
    expect(judgePlan(planned({ verdict: 'fits-without-linker-reserve' })).level).toBe('warn')
    expect(judgePlan(planned({ verdict: 'does-not-fit' }))).toMatchObject({
      level: 'fail',
      mend: expect.stringContaining('no draft model'),
    })
    expect(judgePlan(planned({ verdict: 'unknown', uncounted: 'odd layers' })).found).toContain('odd layers')
    expect(judgePlan({ kind: 'unknown', reason: 'no file', files: 'missing' }).level).toBe('unknown')
  })
})

describe('judgeStrain', () => {
  it.each([
    [0, 0, 'ok'],
    [0, null, 'ok'],
    [0.5 * GB, 0, 'ok'],
    [2 * GB, 0, 'warn'],
    [0.5 * GB, 1e6, 'warn'],
    [0.5 * GB, null, 'unknown'],
    [null, 0, 'unknown'],
  ] as const)('swap of %d bytes, growing %s: %s', (swapUsedBytes, swapOutBytesPerSecond, level) => {
    expect(judgeStrain({ ...memory, swapUsedBytes, swapOutBytesPerSecond }).level).toBe(level)
  })

  it.each([
    ['normal', 'ok'],
    ['warn', 'warn'],
    ['critical', 'fail'],
    [null, 'unknown'],
  ] as const)('pressure %s: %s', (pressure, level) =>
    expect(judgeStrain({ ...memory, pressure }).level).toBe(level),
  )
})

describe('judgeWiredLimit', () => {
  it('compares with a configured limit', () => {
    expect(judgeWiredLimit(120 * GB, 200 * GB, 256 * GB).level).toBe('ok')
    expect(judgeWiredLimit(120 * GB, 100 * GB, 256 * GB)).toMatchObject({
      level: 'fail',
      // 126 GB in MiB, rounded up.
      mend: 'sudo sysctl iogpu.wired_limit_mb=120163',
    })
    expect(judgeWiredLimit(120 * GB, 250 * GB, 256 * GB).level).toBe('warn')
  })

  it('does not guess the default', () => {
    expect(judgeWiredLimit(170 * GB, null, 256 * GB).level).toBe('ok')
    expect(judgeWiredLimit(180 * GB, null, 256 * GB).level).toBe('unknown')
    expect(judgeWiredLimit(230 * GB, null, 256 * GB).level).toBe('unknown')
    expect(judgeWiredLimit(240 * GB, null, 256 * GB).level).toBe('fail')
  })
})
