import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { explainSpeculation, findSpeculationFailure } from './speculation.ts'

const startOf = (name: string): readonly string[] =>
  readFileSync(new URL(`./fixtures/llama-failures/${name}.txt`, import.meta.url), 'utf8').split('\n')

const off = [{ speculative: false }, { speculative: false }]
const drafting = [{ speculative: true }, { speculative: true }]
const asked = ['llama-server', '-m', '/m.gguf', '-md', '/d.gguf', '--spec-type', 'draft-simple']
const explain = (changes: Partial<Parameters<typeof explainSpeculation>[0]>) =>
  explainSpeculation({ wanted: 'draft-simple', argv: asked, slots: off, said: null, ...changes })

describe('explainSpeculation', () => {
  it.each([
    ['draft-vocab-mismatch-token-text', 'draft model vocab type must match target model to use speculation'],
    ['old-b10068-draft-vocab-mismatch', 'draft model vocab type must match target model to use speculation'],
    ['spec-type-without-draft', 'draft-simple requires a draft context'],
  ])('gives the reason of the recorded start %s', (name, reason) => {
    const said = findSpeculationFailure(startOf(name))
    for (const slots of [off, null])
      expect(explain({ said, slots })).toBe(`It generates without drafts: ${reason}.`)
  })

  it('names a draft model that is loaded and never used', () => {
    const said = findSpeculationFailure(startOf('draft-only-no-spec-type'))
    expect(said).toBeNull()
    expect(explain({ argv: ['llama-server', '-m', '/m.gguf', '-md', '/d.gguf'], said })).toMatch(
      /names a draft model, but no --spec-type/,
    )
  })

  it('names a build that could not be asked', () => {
    expect(explain({ argv: ['llama-server', '-m', '/m.gguf'] })).toMatch(/could not be asked.*nexus plan/)
  })

  it('treats pinned flags the same way', () => {
    const argv = ['llama-server', '-m', '/m.gguf', '--spec-type', 'ngram-simple']
    expect(explain({ wanted: 'none', argv })).toMatch(/gives no reason/)
  })

  it('says nothing where it drafts, was not asked, or does not tell', () => {
    expect(explain({ slots: drafting, said: 'an attempt before' })).toBeNull()
    expect(explain({ wanted: 'none', argv: ['llama-server', '-m', '/m.gguf'] })).toBeNull()
    // A hybrid model's start warns about it although speculation was not requested.
    const warned = 'speculative decoding is not supported by this context'
    expect(explain({ wanted: 'none', argv: ['llama-server', '-m', '/m.gguf'], said: warned })).toBeNull()
    expect(explain({ slots: null })).toBeNull()
    expect(explain({ slots: [] })).toBeNull()
    expect(explain({ slots: [{ speculative: null }] })).toBeNull()
  })
})
