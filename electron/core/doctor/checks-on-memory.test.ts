import { describe, expect, it } from 'vitest'
import type { MemoryPlan } from '../../contract/memory-plan.ts'
import type { Memory } from '../../contract/snapshot.ts'
import {
  findEngines,
  judgePlan,
  judgeStrain,
  judgeWired,
  judgeWiredLimit,
  type WiredFacts,
} from './checks-on-memory.ts'

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

describe('wired memory', () => {
  const GB = 1e9
  const facts = (change: Partial<WiredFacts>): WiredFacts => ({
    wiredBytes: 0,
    totalBytes: 256 * GB,
    modelBytes: 0,
    kernelDiskBytes: 0,
    gpuUsedBytes: 0,
    others: [],
    ...change,
  })

  describe('judgeWired', () => {
    it.each([
      ['a small Mac without programs', { totalBytes: 25.8 * GB, wiredBytes: 4.1 * GB }, 'ok'],
      ['a laptop of 8 GB without programs', { totalBytes: 8.6 * GB, wiredBytes: 3.57 * GB }, 'ok'],
      ['the Studio without programs', { wiredBytes: 20 * GB }, 'ok'],
      ['our own model', { wiredBytes: 100 * GB, modelBytes: 90 * GB, gpuUsedBytes: 90 * GB }, 'ok'],
      ['a RAM disk of the kernel', { wiredBytes: 80 * GB, kernelDiskBytes: 64 * GB }, 'ok'],
      ['no holder', { wiredBytes: 100 * GB }, 'warn'],
      ['no holder, on a small Mac', { totalBytes: 25.8 * GB, wiredBytes: 6.1 * GB }, 'warn'],
      ['no holder, and no GPU figure', { wiredBytes: 100 * GB, gpuUsedBytes: null }, 'warn'],
      [
        'more than our own model',
        { wiredBytes: 130 * GB, modelBytes: 90 * GB, gpuUsedBytes: 90 * GB },
        'warn',
      ],
    ] as const)('%s', (_, change, level) => {
      expect(judgeWired(facts(change)).level).toBe(level)
    })

    it.each([
      ['another engine', { others: ['ollama (pid 805)'] }, 'ollama (pid 805)'],
      ['programs on the GPU', { gpuUsedBytes: 79 * GB }, '73.57 GiB in use'],
    ])('names %s instead of suggesting a restart', (_, change, words) => {
      const verdict = judgeWired(facts({ wiredBytes: 100 * GB, ...change }))
      expect(verdict).toMatchObject({ level: 'unknown', found: expect.stringContaining(words) })
      expect(verdict.mend).not.toMatch(/restart/)
    })
  })

  describe('findEngines', () => {
    // Self-written sample with made-up pids, in the format of ps -axo pid=,comm= on macOS.
    const text = `    1 /sbin/launchd
  805 /opt/homebrew/opt/ollama/bin/ollama
  806 /opt/homebrew/opt/ollama/bin/ollama
  900 /Applications/LM Studio.app/Contents/Frameworks/LM Studio Helper (Plugin).app/Contents/MacOS/LM Studio Helper (Plugin)
  911 /Users/ana/llama.cpp/build/bin/llama-server
  912 /usr/local/bin/ollama-watch
  913 -zsh
`
    it('finds other programs that hold models, by file and by app', () => {
      expect(findEngines(text, [911])).toEqual(['ollama (pid 805, 806)', 'LM Studio (pid 900)'])
      expect(findEngines(text, [])).toContain('llama-server (pid 911)')
      expect(findEngines('', [])).toEqual([])
    })
    it('finds a program that ps shows without its path', () => {
      // Made-up pids. Login shells and zombies have names of special forms.
      const bare =
        '  920 llama-server\n  921 ./llama-server\n  922 llama\n  923 -llama-server\n  924 (llama-server)\n  925 llama-swap\n'
      expect(findEngines(bare, [])).toEqual(['llama-server (pid 920, 921)', 'llama (pid 922)'])
    })
  })
})
