import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseMetrics, parseSlots } from './llama-answers.ts'

const readFixture = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`./fixtures/${name}`, import.meta.url), 'utf8'))

const slot = (changes: Record<string, unknown>) => [
  { id: 0, n_ctx: 4096, is_processing: true, id_task: 5, n_prompt_tokens: 10, ...changes },
]

describe('parseSlots', () => {
  it('reads slots that were never used: missing values are null', () => {
    expect(parseSlots(readFixture('llama-b10434-slots-idle-fresh.json'))).toEqual(
      [0, 1].map((id) => ({
        id,
        contextLimit: 4096,
        processing: false,
        taskId: null,
        promptTokensHeld: null,
        promptProcessed: null,
        promptCached: null,
        decoded: null,
        speculative: false,
      })),
    )
  })

  it('reads slots after a rejected request', () => {
    expect(parseSlots(readFixture('llama-b10434-slots-after-rejected-request.json'))).toMatchObject([
      { id: 0, taskId: 209, promptTokensHeld: 0 },
      { id: 1, taskId: 2, promptTokensHeld: 230, decoded: 0 },
    ])
  })

  it('reads next_token as an object, as an array, and in the layout of 2024', () => {
    for (const next_token of [{ n_decoded: 7 }, [{ n_decoded: 7 }], { num_tokens_predicted: 7 }]) {
      expect(parseSlots(slot({ next_token }))).toMatchObject([{ decoded: 7 }])
    }
    expect(parseSlots([{ id: 0, n_ctx: 2048, state: 1, task_id: 4 }])).toMatchObject([
      { processing: true, taskId: 4 },
    ])
    expect(parseSlots(slot({ next_token: [], id_task: -1 }))).toMatchObject([{ decoded: null, taskId: null }])
  })

  it.each([
    ['no list', {}],
    ['an error', { error: { code: 501, message: 'This server does not support slots endpoint.' } }],
    ['null', null],
    ['text', 'slots'],
    ['a nested list', [[]]],
    ['an entry that is null', [null]],
    ['no id', [{ n_ctx: 1, is_processing: false }]],
    ['a text for n_ctx', slot({ n_ctx: '4096' })],
    ['no busy flag', [{ id: 0, n_ctx: 1 }]],
    ['a text for is_processing', slot({ is_processing: 'yes' })],
    ['a negative count', slot({ n_prompt_tokens: -1 })],
    ['a fraction', slot({ n_prompt_tokens: 1.5 })],
    ['a count beyond exact integers', slot({ n_prompt_tokens: 1e300 })],
    ['NaN', slot({ next_token: [{ n_decoded: Number.NaN }] })],
    ['a text for next_token', slot({ next_token: 'soon' })],
    ['a number for speculative', slot({ speculative: 1 })],
    ['the same slot twice', [...slot({}), ...slot({})]],
    ['too many', Array.from({ length: 2000 }, (_, id) => ({ id, n_ctx: 1, is_processing: false }))],
  ])('does not read %s', (_what, json) => {
    expect(parseSlots(json)).toBeNull()
  })
})

const fixtures = `${process.env['NEXUS_FIXTURES'] ?? '../shared/fixtures'}/llama-server`
describe.skipIf(!existsSync(fixtures))(`public recordings (skipped where ${fixtures} is absent)`, () => {
  it.each([
    ['slots-2024-early-ollama-runner.json', 2048],
    ['slots-2025-early-idle.json', 4096],
  ])('reads %s as one idle slot', (name, contextLimit) => {
    const json: unknown = JSON.parse(readFileSync(`${fixtures}/${name}`, 'utf8'))
    expect(parseSlots(json)).toMatchObject([{ contextLimit, processing: false, taskId: null, decoded: 0 }])
  })
})

describe('/metrics', () => {
  const readFixture = (name: string) => readFileSync(new URL(`./fixtures/${name}`, import.meta.url), 'utf8')

  describe('parseMetrics', () => {
    it('reads b10434', () => {
      expect(parseMetrics(readFixture('llama-b10434-metrics-after.txt'))).toEqual({
        promptTokensTotal: 31,
        tokensPredictedTotal: 200,
        tokensPredictedStep: 1,
        requestsProcessing: 0,
        requestsDeferred: 0,
        draftTokensTotal: 0,
        draftAcceptedTotal: 0,
      })
    })

    it('is null for what b10068 lacks', () => {
      const metrics = parseMetrics(readFixture('llama-b10068-metrics-busy.txt'))
      expect(metrics).toMatchObject({
        draftTokensTotal: null,
        draftAcceptedTotal: null,
        requestsProcessing: 1,
      })
    })

    it('reads scientific notation with its step, labels and blanks', () => {
      const text = 'llamacpp:tokens_predicted_total 2.16578e+06\n  llamacpp:n_decode_total{model="a b"} 5\n'
      expect(parseMetrics(text)).toMatchObject({
        tokensPredictedTotal: 2_165_780,
        tokensPredictedStep: 10,
        promptTokensTotal: null,
      })
      expect(parseMetrics('llamacpp:tokens_predicted_total 999999')?.tokensPredictedStep).toBe(1)
    })

    it.each([
      ['nothing', ''],
      ['an error body', '{"error":{"code":501,"message":"no metrics"}}'],
      ['another server', 'process_cpu_seconds_total 3\n'],
      [
        'only unreadable values',
        'llamacpp:n_decode_total NaN\nllamacpp:prompt_tokens_total -3\nllamacpp:x +Inf',
      ],
      ['a cut line', 'llamacpp:n_decode_total'],
    ])('is null for %s', (_what, text) => {
      expect(parseMetrics(text)).toBeNull()
    })

    it('skips unreadable values and keeps the rest', () => {
      const metrics = parseMetrics('llamacpp:tokens_predicted_total NaN\nllamacpp:requests_deferred 2\n')
      expect(metrics).toMatchObject({ tokensPredictedTotal: null, requestsDeferred: 2 })
    })
  })

  const scientific = `${process.env['NEXUS_FIXTURES'] ?? '../shared/fixtures'}/llama-server/metrics-2026-busy-machine-scientific.txt`
  describe.skipIf(!existsSync(scientific))(`public recording (skipped where ${scientific} is absent)`, () => {
    it('reads the counters of a machine that has been busy for long', () => {
      expect(parseMetrics(readFileSync(scientific, 'utf8'))).toMatchObject({
        promptTokensTotal: 96_641,
        tokensPredictedTotal: 23_210,
      })
    })
  })
})
