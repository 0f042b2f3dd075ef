// The plan for people: aligned, in 80 columns, the verdict last.
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import { builtinProfiles } from '../../core/config/profiles.ts'
import { readGgufHeader } from '../../core/gguf/gguf-header.ts'
import { planMemory } from '../../core/memory/memory-plan.ts'
import { reservesFor, studioSeedMap } from '../../core/memory/reserves.ts'
import { type PlanContext, readEnginePlan } from '../../core/memory/stack-plan.ts'
import type { PlanInput } from '../../core/memory/tally.ts'
import { renderEnginePlan, renderPlanDifferences, renderPlanText } from './plan-view.ts'

const fixture = (name: string): string =>
  new URL(`../../core/gguf/fixtures/${name}.header.gguf`, import.meta.url).pathname
// Warnings name the files: a short path keeps the test the same on every machine.
const named = async (name: string) => {
  const header = await readGgufHeader(fixture(name))
  return { ...header, path: `${name}.gguf`, completeness: { kind: 'complete' } } as const
}
const target = await named('DeepSeek-R1-Distill-Llama-70B-Q8_0')
const draft = await named('Llama-3.2-3B-Instruct-Q4_K_M')
const totalBytes = 256 * 1024 ** 3
const studio: PlanInput = {
  target,
  draft,
  projectorBytes: null,
  server: {
    contextTokens: 131_072,
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
    promptCacheBytes: 8 * 1024 ** 3,
    fullSlidingCache: false,
    checkpointsPerSlot: 32,
    checkpointStepTokens: 8192,
    projectorPath: null,
    projectorOnGpu: true,
    unread: [],
  },
  ramDiskBytes: 64 * 1024 ** 3,
  machine: { totalBytes, gpuLimitBytes: 0.75 * totalBytes },
  reserves: reservesFor(totalBytes),
  whyNoPool: null,
}
const planOf = (contextTokens: number, unifiedKv: boolean) =>
  planMemory({ ...studio, server: { ...studio.server, contextTokens, unifiedKv } }, studioSeedMap)
const plain = { width: 80, color: false }

describe('renderPlanText', () => {
  it('shows the map line by line, planned beside it', () => {
    expect(renderPlanText(planOf(262_144, true), plain).slice(0, 18)).toEqual([
      'Memory plan                          planned  the map',
      'AI Engine (weights)                69.82 GiB    78 GB',
      '    DeepSeek R1 Distill Llama 70B Q8_0',
      'Speculative draft model             1.87 GiB     3 GB',
      '    Llama 3.2 3B Instruct Q4_K_M',
      'Build Forge (RAM disk)             64.00 GiB    64 GB',
      '    memory is used as it fills; deleting files frees none until it is ejected',
      'Agent context (KV cache)           22.50 GiB    40 GB',
      '    q4_0, one pool of 262,144 tokens x 92,160 B',
      'Agent context, draft (KV cache)     7.88 GiB        -',
      '    q4_0, one pool of 262,144 tokens x 32,256 B; more than the draft itself',
      'Compute buffers                     ~842 MiB',
      'llama-server itself                  ~95 MiB           libraries and tokenizer',
      'Prompt cache                        8.00 GiB',
      '    host memory (--cache-ram), 93,206 tokens of this model',
      'Operating system                  ~20.00 GiB    20 GB',
      'Linker reserve                    ~51.00 GiB    51 GB  kept free for cargo build',
      'Together                          245.98 GiB   256 GB',
    ])
  })

  it.each([
    [262_144, true, 'Verdict: fits'],
    [524_288, false, 'Verdict: fits only without the linker reserve'],
    [2_097_152, false, 'Verdict: does not fit'],
  ])('-c %d (pool: %s) ends with "%s", nothing wider than 80', (contextTokens, unifiedKv, verdict) => {
    const lines = renderPlanText(planOf(contextTokens, unifiedKv), plain)
    expect(lines.at(-1)).toBe(verdict)
    expect(lines.filter((line) => line.length > 80)).toEqual([])
    expect(lines.includes('What would help:')).toBe(verdict !== 'Verdict: fits')
  })

  it('colours only when asked to, and changes nothing else', () => {
    const plan = planOf(524_288, false)
    const coloured = renderPlanText(plan, { width: 80, color: true })
    const withoutColour = coloured.map(stripVTControlCharacters)
    expect(withoutColour).toEqual(renderPlanText(plan, plain))
    expect(coloured.at(-1)).toBe('\u001b[33mVerdict: fits only without the linker reserve\u001b[0m')
  })

  it('shows not known where nothing can be counted', () => {
    const odd = { ...target, kv: { kind: 'unknown', reason: 'it is recurrent' } } as const
    const lines = renderPlanText(planMemory({ ...studio, target: odd, draft: null }), plain)
    expect(lines).toContain('Agent context (KV cache)           not known')
    expect(lines).toContain('  - largest split that fits: not known')
    expect(lines.at(-1)).toBe('Verdict: unknown (not counted: model: it is recurrent)')
  })
})

describe('renderPlanDifferences', () => {
  it('shows planned, allocated and how far off', () => {
    const differences = [
      { id: 'weights', label: 'AI Engine (weights)', plannedBytes: 1e9, actualBytes: 1.01e9, relative: 0.01 },
      { id: 'compute', label: 'Compute buffers', plannedBytes: 4e8, actualBytes: 3e8, relative: -0.25 },
      {
        id: 'copies',
        label: 'Weights rearranged for this CPU',
        plannedBytes: null,
        actualBytes: 2e8,
        relative: null,
      },
    ] as const
    expect(renderPlanDifferences(differences, plain)).toEqual([
      'Memory                               planned   allocated    off by',
      'AI Engine (weights)                  954 MiB     963 MiB    +1.0 %',
      'Compute buffers                      381 MiB     286 MiB   -25.0 %',
      'Weights rearranged for this CPU    not known     191 MiB',
    ])
  })
})

// The command line before anything is installed: planned for a build with known flags, and only when asked for.
const { studio: seed } = builtinProfiles('/runtime')
if (seed === undefined) throw new Error('there is no studio profile')
const model = join(
  import.meta.dirname,
  '../../core/gguf/fixtures/DeepSeek-R1-Distill-Llama-70B-Q8_0.header.gguf',
)
const nothingInstalled: PlanContext = {
  profileName: 'studio',
  profile: { ...seed, llamaServer: { ...seed.llamaServer, modelPath: model } },
  platform: 'darwin',
  totalMemoryBytes: 256 * 1024 ** 3,
  gpuLimitBytes: null,
  apiKeyPath: '/state/keys/engine.key',
  parkedDir: '/state/parked',
  resourcesDir: join(import.meta.dirname, '../../../resources'),
  locateBinary: () => null,
  assumeBuild: true,
}

it('has every flag with its reason, and names the build', async () => {
  const plan = await readEnginePlan(nothingInstalled)
  expect(plan).toMatchObject({ binary: null, version: null, assumedBuild: 'b10434', problems: [] })
  const text = renderEnginePlan(plan, { width: 80, color: false })
  expect(text[0]).toBe(
    'AI Engine  llama-server, not installed; planned for b10434 until nexus up installs one',
  )
  const flags = plan.argv?.filter((word) => /^--?[a-z]/.test(word)) ?? []
  expect(flags.length).toBeGreaterThan(20)
  const from = text.findIndex((line) => line.startsWith('Why it differs'))
  const reasons = text.slice(from).join('\n')
  for (const flag of flags) expect(reasons).toContain(`  ${flag}`)
  expect(plan.seedFlags).toContainEqual({
    ours: '-c 319488',
    purpose: expect.stringContaining('context'),
    seed: '-c 131072',
  })
})

it('has no command line where a llama-server must be installed', async () => {
  const plan = await readEnginePlan({ ...nothingInstalled, assumeBuild: false })
  expect(plan).toMatchObject({ argv: null, assumedBuild: null })
  expect(plan.problems.join()).toContain('not installed')
})
