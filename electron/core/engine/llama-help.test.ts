import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type LlamaCapabilities, parseLlamaHelp } from './llama-help.ts'

const readHelp = (build: string): LlamaCapabilities => {
  const text = readFileSync(new URL(`../../../resources/llama-help/${build}.txt`, import.meta.url), 'utf8')
  const capabilities = parseLlamaHelp(text)
  if (capabilities === null) throw new Error('not read as help')
  return capabilities
}

describe('parseLlamaHelp', () => {
  it.each(['b10068', 'b10434'])('reads every spelling, value list and default of %s', (build) => {
    const help = readHelp(build)
    expect(help.flags.length).toBeGreaterThan(200)
    expect(help.find('-ctk')).toMatchObject({ spellings: ['-ctk', '--cache-type-k'], metavar: 'TYPE' })
    expect(help.allowedValues('-ctkd')).toEqual([
      'f32',
      'f16',
      'bf16',
      'q8_0',
      'q4_0',
      'q4_1',
      'iq4_nl',
      'q5_0',
      'q5_1',
    ])
    expect(help.allowedValues('--spec-type')).toContain('draft-simple')
    expect(help.allowedValues('--spec-type')).toContain('ngram-mod')
    expect(help.allowedValues('-fa')).toEqual(['on', 'off', 'auto'])
    expect(help.allowedValues('--cpu-strict')).toEqual(['0', '1'])
    expect(help.allowedValues('--rope-scaling')).toEqual(['none', 'linear', 'yarn'])
    expect(help.allowedValues('--tensor-split')).toBeNull()
    expect(help.allowedValues('--port')).toBeNull()
    expect(help.find('-kvu')?.spellings).toEqual(['-kvu', '--kv-unified', '-no-kvu', '--no-kv-unified'])
    expect(help.valueCount('-kvu')).toBe(0)
    expect(help.valueCount('-b')).toBe(1)
    expect(help.valueCount('--control-vector-layer-range')).toBe(2)
    expect(help.valueCount('--nonsense')).toBeNull()
    expect(help.defaultOf('-b')).toBe('2048')
    expect(help.defaultOf('--cache-ram')).toBe('8192')
    expect(help.defaultOf('--slots')).toBe('enabled')
    expect(help.firstSupported(['--no-ui', '--no-webui'])).toBe('--no-ui')
  })

  it('takes listed but removed flags for unsupported', () => {
    const help = readHelp('b10434')
    for (const flag of ['--draft-max', '--draft', '--draft-min', '--spec-ngram-size-n']) {
      expect(help.find(flag)?.removed).toBe(true)
      expect(help.supports(flag)).toBe(false)
    }
    expect(help.supports('--spec-draft-n-max')).toBe(true)
  })

  it('tells the two builds apart where they differ', () => {
    const [older, newer] = [readHelp('b10068'), readHelp('b10434')]
    expect([older.supports('--load-mode'), newer.supports('--load-mode')]).toEqual([false, true])
    expect([older.find('--mlock')?.deprecated, newer.find('--mlock')?.deprecated]).toEqual([false, true])
  })

  it('reads switches whose text begins on the next line, and CR LF', () => {
    const text = readFileSync(new URL('../../../resources/llama-help/b10068.txt', import.meta.url), 'utf8')
    expect(parseLlamaHelp(text.replaceAll('\n', '\r\n'))?.supports('-kvu')).toBe(true)
  })

  it.each([
    ['nothing', ''],
    ['another program', 'Usage: ls [OPTION]...\n-a, --all    do not ignore entries\n--model x\n'],
    ['binary noise', '\u0000\u0001-\u0002'.repeat(1000)],
    ['one endless line', `-${'a'.repeat(2_000_000)}`],
  ])('is null for %s', (_what, text) => {
    expect(parseLlamaHelp(text)).toBeNull()
  })
})
