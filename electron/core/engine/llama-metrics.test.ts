import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseMetrics } from './llama-metrics.ts'

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
    expect(metrics).toMatchObject({ draftTokensTotal: null, draftAcceptedTotal: null, requestsProcessing: 1 })
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
