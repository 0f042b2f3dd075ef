// What the table says of a model on machines of several sizes, and in which order.

import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { applyOverride } from '../config/config.ts'
import { builtinProfiles } from '../config/profiles.ts'
import { findInCatalogue, headerOf, readCatalogue, whyNoHeader } from './catalogue.ts'
import { bestForAgents, judgeModel, type ModelFiles, orderModels, overrideFor } from './judge-models.ts'

const models = readCatalogue(join(import.meta.dirname, '..', '..', '..', 'resources'))
const { studio } = builtinProfiles('/runtime')
if (studio === undefined) throw new Error('there is no studio profile')

const filesOf = (id: string): ModelFiles => {
  const model = findInCatalogue(models, id)
  return { model, path: null, header: headerOf(model), whyNoHeader: whyNoHeader(model) }
}
const macWith = (gibibytes: number) => ({
  totalBytes: gibibytes * 1024 ** 3,
  gpuLimitBytes: null,
  isMac: true,
})
const judge = (id: string, gibibytes: number, agents = 4) => {
  const files = filesOf(id)
  const draft = files.model.draft === null ? null : filesOf(files.model.draft)
  return judgeModel(files, draft, studio, { agents, machine: macWith(gibibytes) })
}

describe('judgeModel', () => {
  it("plans the seed's pair on its machine: more than its own 79,872 tokens each, less than it was trained for", () => {
    const judged = judge('r1-distill-llama-70b', 256)
    expect(judged).toMatchObject({ fit: 'fits', why: null, generationTokensPerSecond: 12.13 })
    expect(judged.tokensPerAgent).toBeGreaterThan(79_872)
    expect(judged.tokensPerAgent).toBeLessThan(131_072)
    // 20,000 tokens at 108.57 a second.
    expect(judged.firstTurnSeconds).toBeCloseTo(184.2, 1)
  })

  it('gives each of more agents less', () => {
    const [four, eight] = [judge('glm-4.5-air', 192), judge('glm-4.5-air', 192, 8)]
    expect(four.fit).toBe('fits')
    expect(eight.tokensPerAgent ?? 0).toBeLessThan(four.tokensPerAgent ?? 0)
  })

  it('states by how much a model does not fit', () => {
    const judged = judge('gpt-oss-120b', 64)
    expect(judged).toMatchObject({ fit: 'does-not-fit', contextTokens: null, tokensPerAgent: null })
    expect(judged.why).toMatch(/needs \d+\.\d\d GiB, \d+\.\d\d GiB more than available$/)
  })

  it('explains an unknown, and does not guess', () => {
    expect(judge('deepseek-v4-flash', 512)).toMatchObject({
      fit: 'unknown',
      why: expect.stringContaining('no header of it was found'),
      contextTokens: null,
    })
    expect(judge('qwen3.6-27b', 256)).toMatchObject({
      firstTurnSeconds: null,
      generationTokensPerSecond: null,
    })
  })
})

describe('orderModels', () => {
  it('puts models that agents can work with first, unknown ones and those that do not fit last', () => {
    const ordered = orderModels(models.map(({ id }) => judge(id, 64)))
    const ids = ordered.map(({ model }) => model.id)
    expect(bestForAgents(ordered)?.model.id).toBe(ids[0])
    expect(ordered[0]).toMatchObject({ fit: 'fits', model: { madeFor: 'agents', tools: { renders: true } } })
    const fits = ordered.map(({ fit }) => fit)
    expect(fits.lastIndexOf('fits')).toBeLessThan(fits.indexOf('unknown'))
    expect(fits.lastIndexOf('unknown')).toBeLessThan(fits.indexOf('does-not-fit'))
    expect(ids.indexOf('llama-3.2-3b')).toBeGreaterThan(ids.indexOf('gpt-oss-20b'))
  })

  it('recommends no model whose tools are not known', () => {
    const judged = judge('qwen3-coder-next', 256)
    const unknown = { ...judged, model: { ...judged.model, tools: { renders: null, note: 'not found' } } }
    expect(bestForAgents([judged])).toBe(judged)
    expect(bestForAgents([unknown])).toBeNull()
    expect(orderModels([unknown, judged])).toEqual([judged, unknown])
  })
})

describe('overrideFor', () => {
  it("leaves sampling to llama-server if the publisher's was not found, and never uses the seed's", () => {
    const samplingOf = (id: string) => {
      const files = { model: findInCatalogue(models, id), path: null }
      const settings = { agents: 4, contextTokens: 65_536, machine: macWith(256) }
      return applyOverride(studio, overrideFor(files, null, settings), id).llamaServer.sampling
    }
    expect(samplingOf('glm-4.5-air')).toBeNull()
    expect(samplingOf('qwen3.6-27b')).toEqual({ temperature: 0.6, topP: 0.95 })
  })

  it("is a profile for one model: f16 without a GPU, no missing draft, and neither the seed's key nor its stop words", () => {
    const model = findInCatalogue(models, 'r1-distill-llama-70b')
    const machine = { totalBytes: 16 * 1024 ** 3, gpuLimitBytes: null, isMac: false }
    expect(
      overrideFor({ model, path: '/m/r1.gguf' }, null, { agents: 2, contextTokens: 8192, machine }),
    ).toMatchObject({
      extends: 'studio',
      llamaServer: {
        modelPath: '/m/r1.gguf',
        draftModelPath: null,
        speculation: 'none',
        slots: 2,
        gpuLayers: 0,
        cacheTypeK: 'f16',
      },
      proxy: { clientKey: null, stopSequences: [] },
      ramDisk: { sizeMiB: 4096 },
    })
  })
})
