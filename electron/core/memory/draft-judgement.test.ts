// Drafts judged as llama.cpp judges them, on made-up vocabularies.
import { describe, expect, it } from 'vitest'
import { readGgufHeader } from '../gguf/gguf-header.ts'
import { createTokenTextsBuilder } from '../gguf/token-texts.ts'
import type { Vocabulary } from '../gguf/vocabulary.ts'
import { judgeDraft } from './draft-judgement.ts'

const fixture = (name: string): string =>
  new URL(`../gguf/fixtures/${name}.header.gguf`, import.meta.url).pathname
const header = await readGgufHeader(fixture('Llama-3.2-3B-Instruct-Q4_K_M'))
const studioTarget = await readGgufHeader(fixture('DeepSeek-R1-Distill-Llama-70B-Q8_0'))

const textsOf = (count: number, changed: Readonly<Record<number, string>> = {}) => {
  const builder = createTokenTextsBuilder()
  for (let id = 0; id < count; id += 1) builder.add(Buffer.from(changed[id] ?? `token ${id}`))
  return builder.build()
}
const base: Vocabulary = { ...header.vocabulary, tokenCount: 300, tokenTexts: textsOf(300) }
const judge = (target: Partial<Vocabulary>, draft: Partial<Vocabulary>) =>
  judgeDraft(
    { ...header, vocabulary: { ...base, ...target } },
    { ...header, vocabulary: { ...base, ...draft } },
  )

describe('judgeDraft', () => {
  it.each<readonly [string, Partial<Vocabulary>]>([
    ['the same vocabulary', {}],
    ['other texts below id 5', { tokenTexts: textsOf(300, { 4: '<other>' }) }],
    ['128 tokens more', { tokenCount: 428, tokenTexts: textsOf(428) }],
    ['another EOS where none is added', { eosTokenId: 7 }],
    ['another tokenizer of the same type', { model: 'gemma4' }],
  ])('compatible: %s', (_, draft) => {
    expect(judge({}, draft)).toEqual({ verdict: 'compatible' })
  })

  it.each<readonly [string, Partial<Vocabulary>, string]>([
    ['another tokenizer', { model: 'llama' }, "the model's tokenizer is 'gpt2', the draft's 'llama'"],
    ['another BOS', { bosTokenId: 7 }, "the model's BOS token is 128000, the draft's 7"],
    ['no BOS added', { addsBos: false }, 'the model adds a BOS token, the draft does not add one'],
    ['EOS added', { addsEos: true }, 'the model does not add an EOS token, the draft adds one'],
    [
      '129 tokens more',
      { tokenCount: 429, tokenTexts: textsOf(429) },
      'the model has 300 tokens, the draft 429',
    ],
    [
      'another text',
      { tokenTexts: textsOf(300, { 250: '<eot>' }) },
      'token 250 is "token 250" in the model and "<eot>" in the draft',
    ],
  ])('mismatch: %s', (_, draft, reason) => {
    const judgement = judge({}, draft)
    expect(judgement).toMatchObject({ verdict: 'mismatch' })
    expect(judgement.verdict === 'mismatch' && judgement.reason).toContain(reason)
    expect(judgement.verdict === 'mismatch' && judgement.hint).toContain('ngram-mod')
  })

  it('unknown without token lists, as with the Studio headers', () => {
    const judgement = judgeDraft(studioTarget, header)
    expect(judgement).toMatchObject({ verdict: 'unknown' })
    expect(judgement.verdict === 'unknown' && judgement.reason).toContain('has no token list')
    expect(judgement.verdict === 'unknown' && judgement.hint).toContain('ngram-mod')
  })

  it('unknown if a file does not name its tokenizer', () => {
    expect(judge({ model: null }, {})).toMatchObject({ verdict: 'unknown' })
  })
})
