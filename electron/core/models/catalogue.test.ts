// Every entry of the catalogue, and whether its shapes are those of the headers that were made of the real models.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readGgufHeader } from '../gguf/gguf-header.ts'
import { parseSplitName } from '../gguf/split-files.ts'
import { headerOf, readCatalogue } from './catalogue.ts'

const resourcesDir = join(import.meta.dirname, '..', '..', '..', 'resources')
const models = readCatalogue(resourcesDir)
const entries = models.map((model) => [model.id, model] as const)

describe('resources/models.json', () => {
  it('names each model once', () => {
    const ids = models.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.slice(0, 2)).toEqual(['r1-distill-llama-70b', 'llama-3.2-3b'])
  })

  it.each(entries)('%s explains a missing size, hash or shape', (_, model) => {
    const isWhole = model.files.every(({ bytes, sha256 }) => bytes !== null && sha256 !== null)
    if (!isWhole) expect(model.filesNote).not.toBeNull()
    expect(model.header === null).toBe(model.headerNote !== null)
    expect(model.tools.renders === true || model.tools.note !== null).toBe(true)
  })

  it.each(entries)(
    '%s has a source for all that it says of its publisher, and none for what it lacks',
    (_, model) => {
      const { sources, license, tools, thinking, sampling, madeFor } = model
      expect({
        license: sources.license !== null,
        tools: sources.tools !== null,
        thinking: sources.thinking !== null,
        sampling: sources.sampling !== null,
        madeFor: sources.madeFor !== null,
      }).toEqual({
        license: license !== null,
        tools: tools.renders !== null,
        thinking: thinking !== null,
        sampling: sampling !== null,
        madeFor: madeFor === 'agents',
      })
      // Only the demo's file is installed here and can be read; of the others what is published was read.
      if (model.repo !== null) expect(Object.values(sources)).not.toContain('its file')
    },
  )

  it('has a source for each speed', () => {
    const [model] = JSON.parse(readFileSync(join(resourcesDir, 'models.json'), 'utf8')).models
    const dir = mkdtempSync(join(tmpdir(), 'nexus-catalogue-'))
    const write = (source: string | undefined) =>
      writeFileSync(
        join(dir, 'models.json'),
        JSON.stringify({ models: [{ ...model, speed: { ...model.speed, source } }] }),
      )
    try {
      write('https://example.org/measured')
      expect(readCatalogue(dir)[0]?.speed?.source).toBe('https://example.org/measured')
      for (const source of [undefined, '', 'from memory', 'http://example.org']) {
        write(source)
        expect(() => readCatalogue(dir), source).toThrow('source')
      }
    } finally {
      rmSync(dir, { recursive: true })
    }
  })

  it.each(entries)('%s lists all parts of its file, in order', (_, { files }) => {
    const names = files.map(({ path }) => parseSplitName(path))
    if (names[0] === null) expect(files).toHaveLength(1)
    else expect(names.map((name) => name?.part)).toEqual(files.map((_file, index) => index + 1))
    if (names[0] !== null) expect(names[0]?.parts).toBe(files.length)
  })

  it.each(entries)('%s has weights no larger than its files', (_, { files, weightBytes }) => {
    const sizes = files.map(({ bytes }) => bytes)
    if (weightBytes === null || sizes.includes(null)) return
    const fileBytes = sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0)
    expect(weightBytes).toBeLessThanOrEqual(fileBytes)
    expect(weightBytes).toBeGreaterThan(fileBytes * 0.98)
  })

  it.each(entries)(
    '%s says in its header what it says beside it, and its memory can be counted',
    (_, model) => {
      const { header, architecture, trainingContextTokens, draft, weightBytes } = model
      if (draft !== null) expect(models.map(({ id }) => id)).toContain(draft)
      if (header === null) return
      const read = headerOf({ ...model, weightBytes: weightBytes ?? 1 })
      expect(read).toMatchObject({ architecture, trainingContextTokens, kv: { kind: 'known' } })
      expect(read?.tokenCount).not.toBeNull()
    },
  )
})

const recorded: readonly (readonly [string, string])[] = [
  ['r1-distill-llama-70b', 'fixtures/gguf/DeepSeek-R1-Distill-Llama-70B-Q8_0.header.gguf'],
  ['llama-3.2-3b', 'fixtures/gguf/Llama-3.2-3B-Instruct-Q4_K_M.header.gguf'],
  ['qwen3-coder-next', 'cases/gguf/qwen3-coder-next.gguf'],
  ['qwen3.6-27b', 'cases/gguf/qwen3.6-27b.gguf'],
  ['glm-4.5-air', 'cases/gguf/glm-4.5-air.gguf'],
  ['gemma-4-26b-a4b', 'cases/gguf/gemma4-26b-a4b.gguf'],
]
const shared = join(process.env['NEXUS_FIXTURES'] ?? '../shared/fixtures', '..')

describe('the shapes of the catalogue', () => {
  it.skipIf(!existsSync(join(shared, 'cases'))).each(recorded)(
    'are those of the header of %s (skipped where the headers are absent)',
    async (id, path) => {
      const real = await readGgufHeader(join(shared, path))
      const model = models.find((each) => each.id === id)
      if (model === undefined) throw new Error(`${id} is not in the catalogue`)
      const { architecture, kv, layers, trainingContextTokens, embeddingLength, feedForwardLength } = real
      expect(headerOf(model)).toMatchObject({
        architecture,
        kv,
        layers,
        trainingContextTokens,
        embeddingLength,
        feedForwardLength,
      })
    },
  )
})
