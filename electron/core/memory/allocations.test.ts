// Allocation lines of two real builds, and their comparison with a plan.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readGgufHeader } from '../gguf/gguf-header.ts'
import { type Allocations, parseAllocations, readAllocations, writeAllocations } from './allocations.ts'
import { comparePlan } from './memory-map.ts'
import { planMemory } from './memory-plan.ts'
import { reservesFor } from './reserves.ts'

const mebibyte = 1024 * 1024
const linesOf = (name: string): readonly string[] =>
  readFileSync(new URL(`./fixtures/${name}`, import.meta.url), 'utf8').split('\n')
const mib = (value: number): number => Math.round(value * mebibyte)

describe('parseAllocations', () => {
  it("reads one model, and the CPU backend's copy separately", () => {
    expect(parseAllocations(linesOf('b10434-start-lv4.log'))).toEqual({
      target: {
        modelBytes: mib(235.16),
        copiedBytes: mib(213.91),
        mappedDevices: 1,
        kvBytes: mib(48) + mib(15),
        computeBytes: mib(34.77) + mib(1),
      },
      draft: null,
    })
  })

  it('reads target and draft separately', () => {
    const allocations = parseAllocations(linesOf('b10068-with-draft-lv4.log'))
    expect(allocations?.target).toMatchObject({ modelBytes: mib(235.16), kvBytes: mib(54) + mib(16.88) })
    expect(allocations?.draft).toMatchObject({ modelBytes: mib(235.16), kvBytes: mib(192) + mib(60) })
  })

  it('counts loaded weights if nothing is mapped, repacked or not', () => {
    const lines = ['x: CPU model buffer size = 10.00 MiB', 'x: CPU_REPACK model buffer size = 5.00 MiB']
    expect(parseAllocations(lines)?.target).toMatchObject({ modelBytes: mib(15), copiedBytes: 0 })
  })

  it('takes the last size of a compute buffer that is reserved twice', () => {
    const lines = [1, 2].map((size) => `sched_reserve: MTL0 compute buffer size = ${size}.00 MiB`)
    const all = parseAllocations(['load_tensors: MTL0_Mapped model buffer size = 9.00 MiB', ...lines])
    expect(all?.target.computeBytes).toBe(mib(2))
  })

  // After llama.cpp#23269, numbers made up: a hybrid model has both, one line for each device.
  it('counts recurrent states with the KV cache', () => {
    const lines = [
      'load_tensors:        MTL0_Mapped model buffer size =  9000.00 MiB',
      'llama_kv_cache:       MTL0 KV buffer size =   512.00 MiB',
      'llama_memory_recurrent:        CPU RS buffer size =    10.50 MiB',
      '0.06.683.016 I llama_memory_recurrent:       MTL0 RS buffer size =   301.50 MiB',
      'llama_memory_recurrent: size =  312.00 MiB (     4 cells,  64 layers,  4 seqs), R (f32):    6.00 MiB, S (f32):  306.00 MiB',
      'sched_reserve:       MTL0 compute buffer size =   216.00 MiB',
    ]
    expect(parseAllocations(lines)).toEqual({
      target: {
        modelBytes: mib(9000),
        copiedBytes: 0,
        mappedDevices: 1,
        kvBytes: mib(512) + mib(10.5) + mib(301.5),
        computeBytes: mib(216),
      },
      draft: null,
    })
  })

  it('is null for a log at the default verbosity', () => {
    expect(parseAllocations(['main: server is listening on http://127.0.0.1:8080'])).toBeNull()
  })
})

describe('comparePlan', () => {
  it('shows planned, actual and the difference', async () => {
    const path = new URL('../gguf/fixtures/Llama-3.2-3B-Instruct-Q4_K_M.header.gguf', import.meta.url)
      .pathname
    const target = await readGgufHeader(path)
    const totalBytes = 64e9
    const plan = planMemory({
      target,
      draft: null,
      projectorBytes: null,
      server: {
        contextTokens: 8192,
        slots: 1,
        gpuLayers: 99,
        draftGpuLayers: 99,
        unifiedKv: false,
        cacheTypeK: 'f16',
        cacheTypeV: 'f16',
        draftCacheTypeK: 'f16',
        draftCacheTypeV: 'f16',
        batchTokens: 2048,
        microBatchTokens: 512,
        promptCacheBytes: 0,
        fullSlidingCache: false,
        checkpointsPerSlot: 32,
        checkpointStepTokens: 8192,
        projectorPath: null,
        projectorOnGpu: true,
        unread: [],
      },
      ramDiskBytes: 0,
      machine: { totalBytes, gpuLimitBytes: null },
      reserves: reservesFor(totalBytes),
      whyNoPool: 'nothing guards a pool here',
    })
    // Made-up numbers: Metal and CPU both map the embedding that the output shares.
    const allocations: Allocations = {
      target: {
        modelBytes: target.tensorBytes + target.sharedEmbeddingBytes,
        copiedBytes: 5,
        mappedDevices: 2,
        kvBytes: 2 * 939_524_096,
        computeBytes: 1,
      },
      draft: null,
    }
    const differences = comparePlan(plan, allocations)
    expect(differences.map(({ id, relative }) => [id, relative])).toMatchObject([
      ['weights', 0],
      ['kvTarget', 1],
      ['compute', expect.any(Number)],
      ['copies', null],
    ])
  })
})

const folder = mkdtempSync(join(tmpdir(), 'nexus-allocations-'))
const path = join(folder, 'allocations.json')
afterAll(() => rmSync(folder, { recursive: true }))

const target = { modelBytes: 5, copiedBytes: 0, mappedDevices: 1, kvBytes: 4, computeBytes: 3 }

it('is read back only for the process that it was written for', () => {
  expect(readAllocations(path, '7@boot')).toBeNull()
  writeAllocations(path, '7@boot', { target, draft: null })
  expect(readAllocations(path, '7@boot')).toEqual({ target, draft: null })
  expect(readAllocations(path, '7@later')).toBeNull()
})

it.each(['', '{', '{"llamaServer":"7@boot"}', 'null'])('is none when the file holds %j', (text) => {
  writeFileSync(path, text)
  expect(readAllocations(path, '7@boot')).toBeNull()
})
