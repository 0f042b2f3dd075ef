import { describe, expect, it } from 'vitest'
import { chooseFiles, type PublishedFile, parseModelRequest } from './model-request.ts'

const file = (path: string, hash = '1'): PublishedFile => ({ path, bytes: 1000, sha256: hash.repeat(64) })
const repo = 'unsloth/DeepSeek-R1-Distill-Llama-70B-GGUF'
const catalogue = [
  { id: 'small', name: 'Small', repo: 'ana/Small', files: [file('Small-Q8_0.gguf')] },
  { id: 'demo-model', name: 'Demo', repo: null, files: [file('Demo.gguf')] },
]

describe('the request', () => {
  it.each([
    [repo, { id: repo, repo, file: null, files: null }],
    [`${repo}:Q8_0`, { id: `${repo}:Q8_0`, repo, file: 'Q8_0', files: null }],
    [`${repo}:Q8_0/x.gguf`, { id: `${repo}:Q8_0/x.gguf`, repo, file: 'Q8_0/x.gguf', files: null }],
    [
      'small',
      {
        id: 'small',
        repo: 'ana/Small',
        file: null,
        files: [{ path: 'Small-Q8_0.gguf', sha256: '1'.repeat(64) }],
      },
    ],
  ])('%s', (text, request) => {
    expect(parseModelRequest(text, catalogue)).toEqual({ kind: 'request', request })
  })

  it('a model that set-up installs is not fetched', () => {
    expect(parseModelRequest('demo-model', catalogue)).toEqual({
      kind: 'unknown',
      reason: "demo-model is the demo's model, which set-up installs: nexus up --profile demo",
    })
  })

  it.each(['Small', 'a/b/c', 'a/b:', '../b', 'a/..', 'https://huggingface.co/a/b', 'a/b?x', ''])(
    '"%s" names no model',
    (text) => {
      expect(parseModelRequest(text, catalogue)).toEqual({
        kind: 'unknown',
        reason: `found "${text}"; allowed: REPO or REPO:FILE of Hugging Face, such as unsloth/Qwen3-8B-GGUF:Q4_K_M, or one of small`,
      })
    },
  )
})

describe('the files for a name', () => {
  const parts = [
    file('Q8_0/DeepSeek-R1-Distill-Llama-70B-Q8_0-00001-of-00002.gguf'),
    file('Q8_0/DeepSeek-R1-Distill-Llama-70B-Q8_0-00002-of-00002.gguf'),
  ]
  const published = [
    file('DeepSeek-R1-Distill-Llama-70B-Q4_K_M.gguf'),
    file('DeepSeek-R1-Distill-Llama-70B-UD-Q8_0_XL.gguf'),
    file('mmproj-F16.gguf'),
    ...parts.toReversed(),
  ]
  const choose = (name: string | null, from = published) => {
    const choice = chooseFiles({ id: 'x', repo, file: name, files: null }, from)
    return choice.kind === 'files' ? choice.files.map(({ path }) => path) : choice.reason
  }
  const paths = parts.map(({ path }) => path)

  it.each([
    'Q8_0',
    'q8_0',
    'DeepSeek-R1-Distill-Llama-70B-Q8_0.gguf',
    'DeepSeek-R1-Distill-Llama-70B-Q8_0-00002-of-00002.gguf',
    'Q8_0/DeepSeek-R1-Distill-Llama-70B-Q8_0-00001-of-00002.gguf',
  ])('all parts, by %s', (name) => expect(choose(name)).toEqual(paths))

  it('the only model, not counting its projector', () => {
    expect(choose(null, [file('a-Q8_0.gguf'), file('mmproj-F16.gguf')])).toEqual(['a-Q8_0.gguf'])
    expect(choose('mmproj-F16')).toEqual(['mmproj-F16.gguf'])
  })

  it('none if several match', () => {
    expect(choose(null)).toBe(
      `${repo} has 3 models; name one, such as ${repo}:DeepSeek-R1-Distill-Llama-70B-Q4_K_M. It has: DeepSeek-R1-Distill-Llama-70B-Q4_K_M, DeepSeek-R1-Distill-Llama-70B-UD-Q8_0_XL, Q8_0/DeepSeek-R1-Distill-Llama-70B-Q8_0`,
    )
    expect(choose('Q2_K')).toContain(`${repo} has no model "Q2_K"; name one`)
    expect(choose(null, [])).toBe(`${repo} has no GGUF files`)
  })

  it('none if a part is not published', () => {
    expect(choose('Q8_0', published.slice(0, -1))).toBe(
      `${repo} lacks one of 2 parts of Q8_0/DeepSeek-R1-Distill-Llama-70B-Q8_0, a part of the model`,
    )
  })

  it('the judged files, unless they have changed since', () => {
    const judged = [file('a-Q8_0.gguf', '2')]
    const choice = (now: readonly PublishedFile[]) =>
      chooseFiles({ id: 'a', repo, file: null, files: judged }, now)
    expect(choice(judged)).toEqual({ kind: 'files', files: judged })
    expect(
      chooseFiles({ id: 'a', repo, file: null, files: [{ path: 'a-Q8_0.gguf', sha256: null }] }, judged),
    ).toEqual({ kind: 'files', files: judged })
    expect(choice([file('a-Q8_0.gguf', '3')])).toEqual({
      kind: 'unclear',
      reason: `a-Q8_0.gguf has changed at ${repo} since it was judged; to fetch it anyway: nexus model fetch ${repo}:a-Q8_0.gguf`,
    })
    expect(choice([])).toEqual({ kind: 'unclear', reason: `${repo} no longer has a-Q8_0.gguf` })
  })

  it("the repository's current files if none of the judged had a hash", () => {
    const now = [file('a-Q8_0.gguf', '3')]
    const files = [{ path: 'a-Q8_0.gguf', sha256: null }]
    expect(chooseFiles({ id: 'a', repo, file: null, files }, now)).toEqual({ kind: 'files', files: now })
  })
})
