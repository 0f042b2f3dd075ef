import { describe, expect, it } from 'vitest'
import { judgeStream } from './measure.ts'
import {
  type BatchRow,
  recommendBatch,
  summariseBatch,
  summariseIdleSlots,
  summariseKv,
} from './recommend.ts'

const row = (batchTokens: number, prefill: number, beside: number | null): BatchRow => ({
  batchTokens,
  prefillTokensPerSecond: prefill,
  generationTokensPerSecond: 30,
  draftAcceptance: null,
  besidePrefillTokensPerSecond: beside,
  keptShare: beside === null ? null : beside / 30,
  longestPauseMs: null,
  prefillRange: [prefill, prefill],
})

describe('recommendBatch', () => {
  it('takes the stream that flows, where the prefill loses little', () => {
    // As measured on a CPU: 5 tokens in 21 s at 2048, about 35 in 24 s at 256, the prefill 15 % slower.
    const rows = [row(256, 355, 1.5), row(512, 390, 0.8), row(2048, 418, 0.24)]
    expect(recommendBatch(rows)).toEqual({
      batchTokens: 256,
      because:
        "a stream keeps 1.5 tokens/s while another agent's prompt is read, for a prefill 15 % slower than at 2048",
    })
  })

  it('does not give away more than a fifth of the prefill', () => {
    expect(recommendBatch([row(64, 200, 9), row(256, 355, 1.5), row(2048, 418, 0.24)])?.batchTokens).toBe(256)
  })

  it('takes the faster prefill of two streams that are the same', () => {
    expect(recommendBatch([row(256, 380, 10), row(512, 418, 9.5)])).toMatchObject({
      batchTokens: 512,
      because: expect.stringContaining('no size prefills faster'),
    })
  })

  it('takes the fastest prefill where no stream is beside it', () => {
    expect(recommendBatch([row(256, 380, null), row(2048, 418, null)])?.batchTokens).toBe(2048)
    expect(recommendBatch([])).toBeNull()
  })
})

describe('summariseBatch', () => {
  it('gives medians, and the acceptance over all repeats', () => {
    const reading = (prefill: number, drafted: number | null, accepted: number | null) => ({
      prefillTokensPerSecond: prefill,
      generationTokensPerSecond: 20,
      drafted,
      accepted,
      besidePrefillTokensPerSecond: 5,
      longestPauseMs: 700,
    })
    const readings = [reading(100, 10, 5), reading(300, 30, 25), reading(120, null, null)]
    expect(summariseBatch({ batchTokens: 256, readings })).toEqual({
      batchTokens: 256,
      prefillTokensPerSecond: 120,
      generationTokensPerSecond: 20,
      draftAcceptance: 0.75,
      besidePrefillTokensPerSecond: 5,
      keptShare: 0.25,
      longestPauseMs: 700,
      prefillRange: [100, 300],
    })
  })
})

describe('summariseKv and summariseIdleSlots', () => {
  const reading = (prefill: number, generation: number) => ({
    prefillTokensPerSecond: prefill,
    generationTokensPerSecond: generation,
    drafted: null,
    accepted: null,
    besidePrefillTokensPerSecond: null,
    longestPauseMs: null,
  })

  it('have the median, the spread and how many readings there were', () => {
    expect(summariseKv('q8_0', [reading(156, 48), reading(170, 40), reading(150, 50)])).toEqual({
      type: 'q8_0',
      prefill: { median: 156, lowest: 150, highest: 170, readings: 3 },
      generation: { median: 48, lowest: 40, highest: 50, readings: 3 },
    })
  })

  const idle = (empty: number, held: number, heldTokens: number | null) => ({
    emptyTokensPerSecond: empty,
    heldTokensPerSecond: held,
    heldTokens,
  })

  it('know what is left of the speed, where the slots held what was put in', () => {
    const readings = [idle(40, 30, 5_990), idle(42, 31, 6_000), idle(41, 29, 6_010)]
    expect(summariseIdleSlots(3, 2_000, readings)).toMatchObject({ heldTokens: 6_000, keptShare: 30 / 41 })
    expect(summariseIdleSlots(3, 2_000, [idle(40, 39, 12)])).toMatchObject({
      heldTokens: 12,
      keptShare: null,
    })
    expect(summariseIdleSlots(3, 2_000, [idle(40, 39, null)])).toMatchObject({
      heldTokens: null,
      keptShare: null,
    })
  })
})

describe('judgeStream', () => {
  it('counts what came during the prefill, and the longest pause with its edges', () => {
    expect(judgeStream([900, 1100, 1500, 4000, 5200], 1000, 5000)).toEqual({
      tokensPerSecond: 0.75,
      longestPauseMs: 2500,
    })
    expect(judgeStream([900], 1000, 3000)).toEqual({ tokensPerSecond: 0, longestPauseMs: 2000 })
  })
})
