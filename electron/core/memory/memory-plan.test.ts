// The Studio's plan from its two headers, the verdicts and suggestions; a small machine; models that cannot be counted.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { builtinProfiles } from '../config/profiles.ts'
import { readGgufHeader } from '../gguf/gguf-header.ts'
import { planMemory } from './memory-plan.ts'
import { type PlannedServer, plannedServer } from './planned-server.ts'
import { reservesFor, studioSeedMap } from './reserves.ts'
import type { PlanInput } from './tally.ts'

const fixture = (name: string): string =>
  new URL(`../gguf/fixtures/${name}.header.gguf`, import.meta.url).pathname
const target = await readGgufHeader(fixture('DeepSeek-R1-Distill-Llama-70B-Q8_0'))
const draft = await readGgufHeader(fixture('Llama-3.2-3B-Instruct-Q4_K_M'))

const gibibyte = 1024 ** 3
const studioBytes = 256 * gibibyte
/** The start script's own line: `-c 131072 -np 4 -ctk q4_0 -ctv q4_0`, the draft's cache left alone. */
const seedServer: PlannedServer = {
  contextTokens: 131_072,
  slots: 4,
  gpuLayers: 99,
  draftGpuLayers: 99,
  unifiedKv: false,
  cacheTypeK: 'q4_0',
  cacheTypeV: 'q4_0',
  draftCacheTypeK: 'f16',
  draftCacheTypeV: 'f16',
  batchTokens: 2048,
  microBatchTokens: 512,
  promptCacheBytes: 8 * gibibyte,
  fullSlidingCache: false,
  checkpointsPerSlot: 32,
  checkpointStepTokens: 8192,
  projectorPath: null,
  projectorOnGpu: true,
  unread: [],
}
const q4Draft = { draftCacheTypeK: 'q4_0', draftCacheTypeV: 'q4_0' } as const
const studio: PlanInput = {
  target,
  draft,
  projectorBytes: null,
  server: seedServer,
  ramDiskBytes: 64 * gibibyte,
  machine: { totalBytes: studioBytes, gpuLimitBytes: 0.75 * studioBytes },
  reserves: reservesFor(studioBytes),
  whyNoPool: 'nothing guards a pool here',
}
const planWith = (server: Partial<PlannedServer>, changes: Partial<PlanInput> = {}) =>
  planMemory({ ...studio, ...changes, server: { ...seedServer, ...server } }, studioSeedMap)
const bytesOf = (plan: ReturnType<typeof planMemory>, id: string): number | null | undefined =>
  plan.lines.find((line) => line.id === id)?.bytes

describe('the Studio, in the numbers of its map', () => {
  it.each([
    ['the seed line', {}, 12_079_595_520, 15_032_385_536],
    ['the draft at q4_0', q4Draft, 12_079_595_520, 4_227_858_432],
    ['128k for each, split', { contextTokens: 524_288, ...q4Draft }, 48_318_382_080, 16_911_433_728],
    [
      'one pool of 256k',
      { contextTokens: 262_144, unifiedKv: true, ...q4Draft },
      24_159_191_040,
      8_455_716_864,
    ],
  ] as const)('KV of target and draft: %s', (_, server, kvTarget, kvDraft) => {
    const plan = planWith(server)
    expect([bytesOf(plan, 'kvTarget'), bytesOf(plan, 'kvDraft')]).toEqual([kvTarget, kvDraft])
  })

  it("lists the map's lines in its order, beside its own sizes", () => {
    const seedLines = planWith({}).lines.filter((line) => line.seedBytes !== null)
    expect(seedLines.map((line) => [line.id, line.seedBytes])).toEqual([
      ['weights', 78 * gibibyte],
      ['draftWeights', 3 * gibibyte],
      ['ramDisk', 64 * gibibyte],
      ['kvTarget', 40 * gibibyte],
      ['kvDraft', 0],
      ['os', 20 * gibibyte],
      ['linker', 51 * gibibyte],
    ])
  })

  it('sums its lines and nothing else', () => {
    const plan = planWith({})
    expect(plan.lines.reduce((sum, line) => sum + (line.bytes ?? 0), 0)).toBe(plan.totalBytes)
  })

  it('states what each agent really gets, and the price of a shared pool', () => {
    expect(planWith({}).agents).toMatchObject({
      mode: 'split',
      tokensPerAgent: 32_768,
      tokensTogether: 131_072,
    })
    const pool = planWith({ unifiedKv: true, contextTokens: 262_144 })
    expect(pool.agents).toMatchObject({ mode: 'pool', tokensPerAgent: 131_072, tokensTogether: 262_144 })
    const capped = planWith({ unifiedKv: true, contextTokens: 262_144, slotLimitTokens: 98_304 })
    expect(capped.agents).toMatchObject({ tokensPerAgent: 98_304, tokensTogether: 262_144 })
    expect(capped.agents.note).toContain('may grow to 98,304 tokens')
    expect(capped.totalBytes).toBe(pool.totalBytes)
    expect(pool.agents.note).toContain('every running request fails at once')
    expect(pool.warnings.join()).toContain('the largest split that fits is -c')
    const guarded = planWith({ unifiedKv: true, contextTokens: 262_144 }, { whyNoPool: null })
    expect(guarded.warnings.join()).not.toContain('under the pool')
    expect(guarded.agents.note).not.toContain('fails at once')
    expect(guarded.agents.note).toContain('the Router keeps them under that')
  })

  it("does not promise a slot more than the model's training context", () => {
    const { agents } = planWith({ contextTokens: 1_048_576 })
    expect(agents.tokensPerAgent).toBe(131_072)
    expect(agents.note).toContain('wasted')
  })
})

describe('verdicts', () => {
  it('the seed line fits, and says what q4_0 for the draft would save', () => {
    const plan = planWith({})
    expect(plan.verdict).toBe('fits')
    expect(plan.suggestions).toMatchObject([
      { id: 'draft-kv-q4_0', savesBytes: 15_032_385_536 - 4_227_858_432 },
    ])
  })

  it('128k for each, split, eats the linker reserve; every suggestion that claims to be enough is', () => {
    const plan = planWith({ contextTokens: 524_288, ...q4Draft })
    expect(plan.verdict).toBe('fits-without-linker-reserve')
    const enough = plan.suggestions
      .filter((suggestion) => suggestion.isEnough)
      .map((suggestion) => suggestion.id)
    expect(enough).toEqual(['smaller-split', 'smaller-ram-disk'])
    expect(planWith({ contextTokens: 524_288, ...q4Draft }, { ramDiskBytes: 40 * gibibyte }).verdict).toBe(
      'fits',
    )
  })

  it('the largest contexts leave a hundredth of memory, and one step more does not', () => {
    const { split, pool } = planWith(q4Draft).largest
    const leaves = (contextTokens: number, unifiedKv: boolean) =>
      studioBytes - planWith({ ...q4Draft, contextTokens, unifiedKv }).totalBytes >= studioBytes / 100
    expect(leaves(split?.contextTokens ?? 0, false)).toBe(true)
    expect(leaves((split?.contextTokens ?? 0) + 4096, false)).toBe(false)
    expect(leaves(pool?.contextTokens ?? 0, true)).toBe(true)
    expect(leaves((pool?.contextTokens ?? 0) + 1024, true)).toBe(false)
    expect(split?.tokensPerAgent).toBe((split?.contextTokens ?? 0) / 4)
  })

  it('warns if it fits by less than the error of its estimates', () => {
    const spare = (ramDiskBytes: number) => planWith(q4Draft, { ramDiskBytes })
    const free = studioBytes - spare(0).totalBytes
    expect(spare(free - 1_048_576)).toMatchObject({ verdict: 'fits' })
    expect(spare(free - 1_048_576).warnings.join()).toContain(
      '1 MiB to spare is less than the error of the estimates',
    )
    expect(spare(free - 3e9).warnings.join()).not.toContain('to spare')
  })

  it('the studio’s own default gives each agent up to 128k of one pool and leaves a hundredth', () => {
    const { studio: profile } = builtinProfiles('/runtime')
    if (profile === undefined) throw new Error('no studio')
    const plan = planMemory({ ...studio, server: plannedServer(profile.llamaServer), whyNoPool: null })
    expect(plan).toMatchObject({ verdict: 'fits', agents: { mode: 'pool', tokensPerAgent: 131_072 } })
    expect(plan.largest.pool?.contextTokens).toBeGreaterThanOrEqual(profile.llamaServer.contextTokens)
    expect(plan.largest.split?.contextTokens).toBeGreaterThanOrEqual(profile.llamaServer.contextTokens)
  })

  it('exceeding an estimated Metal limit is a warning, not a refusal, up to the largest one seen on a Mac', () => {
    const machine = { totalBytes: 128 * gibibyte, gpuLimitBytes: 96 * gibibyte, gpuLimitIsEstimate: true }
    const reserves = { osBytes: 0, linkerBytes: 0 }
    const needing = (bytes: number) => {
      const rest = planWith({ promptCacheBytes: 0 }, { ramDiskBytes: 0 }).gpu.neededBytes - target.tensorBytes
      const sized = { ...target, tensorBytes: bytes - rest }
      return planWith({ promptCacheBytes: 0 }, { target: sized, machine, reserves, ramDiskBytes: 0 })
    }
    expect(needing(95 * gibibyte).verdict).toBe('fits')
    expect(needing(95 * gibibyte).warnings.join()).not.toContain('the GPU')
    expect(needing(110 * gibibyte).verdict).toBe('fits')
    expect(needing(110 * gibibyte).warnings.join()).toContain("this may exceed the GPU's limit")
    expect(needing(120 * gibibyte).verdict).toBe('does-not-fit')
  })

  it('NaN never fits', () => {
    const plan = planWith({ contextTokens: Number.NaN })
    expect(plan.verdict).toBe('unknown')
    expect(planWith({ unread: ['the pinned -np 0'] }).verdict).toBe('unknown')
  })

  it('says "at least", and nothing about room to spare, if a part is not counted', () => {
    const reasons = planWith({ unread: ['the pinned --mmproj is not counted'] }).reasons.join('\n')
    expect(reasons).toContain('physical memory: at least ')
    expect(reasons).not.toContain('to spare')
    expect(planWith({}).reasons.join('\n')).toContain('to spare')
  })

  it('does not fit a machine of 96 GiB at all', () => {
    const totalBytes = 96 * gibibyte
    const plan = planWith(
      {},
      { machine: { totalBytes, gpuLimitBytes: null }, reserves: reservesFor(totalBytes) },
    )
    expect(plan.verdict).toBe('does-not-fit')
    expect(plan.largest).toEqual({ split: null, pool: null })
    expect(plan.reasons.join('\n')).toContain('over')
  })

  it("does not fit above the GPU's limit, and prints the command that raises it", () => {
    const machine = { totalBytes: studioBytes, gpuLimitBytes: 100e9 }
    const plan = planWith({}, { machine })
    expect(plan.verdict).toBe('does-not-fit')
    const raise = plan.suggestions.find((suggestion) => suggestion.id === 'gpu-limit')
    const limitMiB = Number(/wired_limit_mb=(\d+)/.exec(raise?.text ?? '')?.[1])
    expect(limitMiB * 1024 ** 2).toBeGreaterThanOrEqual(plan.gpu.neededBytes)
    expect(planWith({}, { machine: { ...machine, gpuLimitBytes: limitMiB * 1024 ** 2 } }).verdict).toBe(
      'fits',
    )
    // A smaller forge frees no GPU memory.
    expect(plan.suggestions.map((suggestion) => suggestion.id)).not.toContain('smaller-ram-disk')
  })

  it("counts only the GPU's layers on it, the output layer as one", () => {
    const all = planWith({})
    const half = planWith({ gpuLayers: 40.5, draftGpuLayers: 14.5 })
    const none = planWith({ gpuLayers: 0, draftGpuLayers: 0 })
    expect([target.layers, draft.layers]).toEqual([80, 28])
    expect(planWith({ gpuLayers: 81, draftGpuLayers: 29 }).gpu).toEqual(all.gpu)
    expect(planWith({ gpuLayers: 80 }).gpu.neededBytes).toBeLessThan(all.gpu.neededBytes)
    const offloaded = all.gpu.neededBytes - none.gpu.neededBytes
    expect(offloaded).toBe(
      ['weights', 'draftWeights', 'kvTarget', 'kvDraft'].reduce(
        (sum, id) => sum + (bytesOf(all, id) ?? 0),
        0,
      ),
    )
    expect(half.gpu.neededBytes - none.gpu.neededBytes).toBe(offloaded / 2)
    // It is the same memory: only who holds it changes.
    expect(none.totalBytes).toBe(all.totalBytes)
    const machine = { totalBytes: studioBytes, gpuLimitBytes: 70e9 }
    expect(planWith({}, { machine }).verdict).toBe('does-not-fit')
    expect(planWith({ gpuLayers: 40 }, { machine }).verdict).toBe('fits')
  })

  it('is unknown, never a wrong number, if a cache cannot be counted', () => {
    const odd = { ...target, kv: { kind: 'unknown', reason: 'it is recurrent' } } as const
    const plan = planWith({}, { target: odd })
    expect(plan).toMatchObject({ verdict: 'unknown', uncounted: 'model: it is recurrent' })
    expect(plan.lines.find(({ id }) => id === 'kvTarget')).toMatchObject({ bytes: null, note: null })
    expect(plan.reasons.join()).not.toContain('to spare')
    const small = { totalBytes: 64 * gibibyte, gpuLimitBytes: null }
    expect(planWith({}, { target: odd, machine: small }).verdict).toBe('does-not-fit')
  })
})

describe('memory besides weights and caches', () => {
  const state = { layers: 36, valuesPerSlot: 19_759_104 } // Qwen3-Coder-Next: 75 MiB of f32
  const hybrid: PlanInput['target'] = {
    ...target,
    kv: target.kv.kind === 'known' ? { ...target.kv, state } : target.kv,
  }
  const stateBytes = 79_036_416

  it('counts states for each slot, pool or not, and says so', () => {
    const plain = bytesOf(planWith({}), 'kvTarget') ?? 0
    for (const unifiedKv of [false, true]) {
      const plan = planWith({ unifiedKv }, { target: hybrid })
      expect(bytesOf(plan, 'kvTarget')).toBe(plain + 4 * stateBytes)
      expect(plan.lines.find(({ id }) => id === 'kvTarget')?.note).toContain(
        '92,160 B; a state of 75 MiB for each of 4 slots',
      )
    }
  })

  it('counts the checkpoints that llama-server may make of them, as many as the pinned flags allow', () => {
    const checkpoints = (server: Partial<PlannedServer>) =>
      bytesOf(planWith(server, { target: hybrid }), 'checkpoints')
    // 32,768 tokens for each of four: two for the prompt and four along it.
    expect(checkpoints({})).toBe(4 * 6 * stateBytes)
    expect(checkpoints({ checkpointsPerSlot: 3 })).toBe(4 * 3 * stateBytes)
    expect(checkpoints({ checkpointStepTokens: 0 })).toBe(4 * 32 * stateBytes)
    // In a pool of 131,072 the four have 16 along it together.
    expect(checkpoints({ unifiedKv: true })).toBe((4 * 2 + 16) * stateBytes)
    expect(checkpoints({ checkpointsPerSlot: 0 })).toBeUndefined()
    expect(bytesOf(planWith({}), 'checkpoints')).toBeUndefined()
  })

  it('counts the file of a projector, on the GPU unless it is kept off', () => {
    const projectorBytes = 1_500_000_000
    const without = planWith({})
    const withIt = planWith({}, { projectorBytes })
    expect(bytesOf(withIt, 'projector')).toBe(projectorBytes)
    expect(withIt.totalBytes - without.totalBytes).toBe(projectorBytes)
    expect(withIt.gpu.neededBytes - without.gpu.neededBytes).toBe(projectorBytes)
    const onHost = planWith({ projectorOnGpu: false }, { projectorBytes })
    expect(onHost.gpu.neededBytes).toBe(without.gpu.neededBytes)
  })
})

describe('reserves', () => {
  it('are the map itself on its machine, shares of it on smaller ones, never less than 2 GiB for the system', () => {
    const whole = { osBytes: 20 * gibibyte, linkerBytes: 51 * gibibyte }
    expect(reservesFor(studioBytes)).toEqual(whole)
    expect(reservesFor(512 * gibibyte)).toEqual(whole)
    expect(reservesFor(128 * gibibyte)).toEqual({ osBytes: 10 * gibibyte, linkerBytes: 25.5 * gibibyte })
    expect(reservesFor(16 * gibibyte)).toEqual({ osBytes: 2 * gibibyte, linkerBytes: 3.1875 * gibibyte })
  })
})

const casesDir = join(process.env['NEXUS_FIXTURES'] ?? '../shared/fixtures', '..', 'cases', 'gguf')
const cases = existsSync(casesDir) ? readdirSync(casesDir) : []

describe('headers of what people run in 2026', () => {
  it.skipIf(cases.length === 0).each(cases)('%s is counted whole', async (name) => {
    const plan = planWith({}, { target: await readGgufHeader(join(casesDir, name)), draft: null })
    expect(plan.uncounted).toBeNull()
    expect(plan.lines.filter(({ bytes }) => bytes === null)).toEqual([])
  })

  it('drafting by multi-token prediction is listed with its reason, and nothing counts as to spare', () => {
    const { studio: profile } = builtinProfiles('/runtime')
    if (profile === undefined) throw new Error('no studio')
    const server = plannedServer({ ...profile.llamaServer, pinnedFlags: ['--spec-type', 'draft-mtp'] })
    const plan = planWith(server)
    expect(plan.verdict).toBe('unknown')
    expect(plan.uncounted).toContain('--spec-type draft-mtp is not counted: it drafts in a second context')
    expect(plan.reasons.join()).not.toContain('to spare')
  })
})
