// The map always adds up to the machine, whatever fits or runs, and never calls planned what was not measured.
import { describe, expect, it } from 'vitest'
import { type MemoryMap, MemoryMapSchema, type MemoryPart, type RamDisk } from '../../contract/snapshot.ts'
import { readGgufHeader } from '../gguf/gguf-header.ts'
import type { Allocations } from './allocations.ts'
import { buildMemoryMap, type MemoryMapInput } from './memory-map.ts'
import { planMemory } from './memory-plan.ts'
import type { PlannedServer } from './planned-server.ts'
import { reservesFor, studioSeedMap } from './reserves.ts'

const fixture = (name: string): string =>
  new URL(`../gguf/fixtures/${name}.header.gguf`, import.meta.url).pathname
const target = await readGgufHeader(fixture('DeepSeek-R1-Distill-Llama-70B-Q8_0'))
const draft = await readGgufHeader(fixture('Llama-3.2-3B-Instruct-Q4_K_M'))
const gibibyte = 1024 ** 3

const server: PlannedServer = {
  contextTokens: 319_488,
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
  promptCacheBytes: 8 * gibibyte,
  fullSlidingCache: false,
  checkpointsPerSlot: 32,
  checkpointStepTokens: 8192,
  projectorPath: null,
  projectorOnGpu: true,
  unread: [],
}

const planOn = (gigabytes: number, ramDiskGigabytes = 64) =>
  planMemory(
    {
      target,
      draft,
      projectorBytes: null,
      server,
      ramDiskBytes: ramDiskGigabytes * gibibyte,
      machine: { totalBytes: gigabytes * gibibyte, gpuLimitBytes: null },
      reserves: reservesFor(gigabytes * gibibyte),
      whyNoPool: 'nothing guards a pool here',
    },
    studioSeedMap,
  )

const model = (scale: number) => ({
  modelBytes: scale * 10e9,
  copiedBytes: scale * 1e9,
  mappedDevices: 1,
  kvBytes: scale * 3e9,
  computeBytes: scale * 1e8,
})
const allocations: Allocations = { target: model(7), draft: model(0.2) }

const disk = (change: Partial<RamDisk> = {}): RamDisk => ({
  mountPoint: '/Volumes/OptaBuilds',
  mounted: true,
  kind: 'hfs+',
  totalBytes: 60 * gibibyte,
  usedBytes: 5 * gibibyte,
  ...change,
})

const build = (input: Partial<MemoryMapInput> = {}): MemoryMap => {
  const map = buildMemoryMap({ plan: planOn(256), allocations: null, ramDisk: null, ...input })
  if (map === null) throw new Error('there is no map')
  return map
}
const part = (map: MemoryMap, id: MemoryPart['id']): MemoryPart | undefined =>
  map.parts.find((each) => each.id === id)

describe('the parts', () => {
  it.each(
    [16, 64, 96, 128, 192, 256, 512].flatMap((gigabytes) =>
      [null, allocations].flatMap((allocated) =>
        [null, disk(), disk({ mounted: false }), disk({ kind: 'shm-folder' })].map(
          (ramDisk) => [gigabytes, allocated, ramDisk] as const,
        ),
      ),
    ),
  )('add up to %s GiB with %o and %o', (gigabytes, allocated, ramDisk) => {
    const map = build({ plan: planOn(gigabytes), allocations: allocated, ramDisk })
    expect(MemoryMapSchema.parse(map)).toEqual(map)
    expect(map.parts.map(({ id }) => id)).toEqual([
      'engine',
      'draft',
      'kv',
      'compute',
      'forge',
      'system',
      'linker',
      'free',
    ])
    expect(map.parts.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(gigabytes * gibibyte)
    for (const { bytes, id } of map.parts)
      if (id !== 'free' && map.spareBytes >= 0) expect([id, bytes > 0]).toEqual([id, true])
  })

  it('are planned while nothing runs', () => {
    expect(new Set(build().parts.map(({ source }) => source))).toEqual(new Set(['planned']))
    expect(part(build(), 'forge')).toEqual({
      id: 'forge',
      bytes: 64 * gibibyte,
      usedBytes: null,
      source: 'planned',
    })
  })

  it('are measured as far as the running engine and the mount table say', () => {
    const map = build({ allocations, ramDisk: disk() })
    expect(part(map, 'engine')).toMatchObject({ bytes: 77.2e9, source: 'measured' })
    expect(part(map, 'draft')).toMatchObject({ bytes: 2e9, source: 'measured' })
    expect(part(map, 'kv')).toMatchObject({ bytes: 21.6e9, source: 'measured' })
    expect(part(map, 'compute')?.source).toBe('planned')
    expect(part(map, 'forge')).toEqual({
      id: 'forge',
      bytes: 60 * gibibyte,
      usedBytes: 5 * gibibyte,
      source: 'measured',
    })
  })

  it("uses the profile's size of the forge if its folder has none", () => {
    const map = build({ ramDisk: disk({ kind: 'shm-folder', totalBytes: 999 * gibibyte }) })
    expect(part(map, 'forge')).toMatchObject({
      bytes: 64 * gibibyte,
      usedBytes: 5 * gibibyte,
      source: 'planned',
    })
  })
})

describe('the verdict', () => {
  it.each([
    [256, 'fits'],
    [224, 'fits-without-linker-reserve'],
    [96, 'does-not-fit'],
  ] as const)('on %s GiB is %s, and what is missing is cut from the last parts', (gigabytes, verdict) => {
    const plan = planOn(gigabytes)
    const map = build({ plan })
    expect(map.verdict).toBe(verdict)
    expect(map.spareBytes).toBe(plan.machineBytes - plan.totalBytes)
    expect(part(map, 'free')?.bytes).toBe(Math.max(0, map.spareBytes))
    if (map.spareBytes < 0) {
      const linkerLine = plan.lines.find(({ id }) => id === 'linker')?.bytes ?? 0
      expect(part(map, 'linker')?.bytes).toBe(Math.max(0, linkerLine + map.spareBytes))
    }
  })
})

describe('a model whose cache cannot be counted', () => {
  const uncounted = { ...planOn(256), verdict: 'unknown' as const }

  it('has no map before it runs', () => {
    expect(buildMemoryMap({ plan: uncounted, allocations: null, ramDisk: null })).toBeNull()
  })

  it('has one when it runs, judged by what was measured', () => {
    const map = build({ plan: uncounted, allocations })
    expect(map.verdict).toBe('fits')
    expect(map.spareBytes).toBe(part(map, 'free')?.bytes)
    const small = { ...planOn(64), verdict: 'unknown' as const }
    expect(build({ plan: small, allocations }).verdict).toBe('does-not-fit')
  })
})
