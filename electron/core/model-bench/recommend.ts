// Turns readings at several batch sizes into one row each and a recommended size with its reason. Pure.
import type { KvCacheType } from '../../contract/profile.ts'
import type { BenchReading, IdleSlotsReading } from './measure.ts'

export interface BatchReadings {
  readonly batchTokens: number
  readonly readings: readonly BenchReading[]
}

export type BatchRow = Readonly<ReturnType<typeof summariseBatch>>

export type Recommendation = NonNullable<ReturnType<typeof recommendBatch>>

const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2
}

const medianOrNull = (values: readonly (number | null)[]): number | null => {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : median(known)
}

export type Spread = Readonly<ReturnType<typeof spreadOf>>

/** Tokens per second of several readings. */
const spreadOf = (values: readonly number[]) => ({
  median: median(values),
  lowest: Math.min(...values),
  highest: Math.max(...values),
  readings: values.length,
})

/** One type of KV cache; `failure`: llama-server did not run with it. */
export type KvRow =
  | { readonly type: KvCacheType; readonly prefill: Spread; readonly generation: Spread }
  | { readonly type: KvCacheType; readonly failure: string }

export const summariseKv = (type: KvCacheType, readings: readonly BenchReading[]): KvRow => ({
  type,
  prefill: spreadOf(readings.map(({ prefillTokensPerSecond }) => prefillTokensPerSecond)),
  generation: spreadOf(readings.map(({ generationTokensPerSecond }) => generationTokensPerSecond)),
})

export type IdleSlotsRow = Readonly<ReturnType<typeof summariseIdleSlots>>

/** Below this share of the tokens put in, llama-server has cleared the slots (`--cache-idle-slots`). */
const leastHeldShare = 0.5

/** What keeping idle slots costs in generation. @param wantedTokens the tokens put into each of the other slots */
export const summariseIdleSlots = (
  otherSlots: number,
  wantedTokens: number,
  readings: readonly IdleSlotsReading[],
) => {
  const empty = spreadOf(readings.map(({ emptyTokensPerSecond }) => emptyTokensPerSecond))
  const held = spreadOf(readings.map(({ heldTokensPerSecond }) => heldTokensPerSecond))
  const heldTokens = medianOrNull(readings.map((reading) => reading.heldTokens))
  const isHeld = heldTokens !== null && heldTokens >= leastHeldShare * wantedTokens * otherSlots
  return {
    otherSlots,
    /** Median of the tokens that they held together; null when unknown. */
    heldTokens,
    empty,
    held,
    /** The share of speed left beside filled slots, compared to empty ones; null: they did not keep their tokens. */
    keptShare: isHeld ? held.median / empty.median : null,
  }
}

/** Medians over the repeats; null when not measurable. */
export const summariseBatch = ({ batchTokens, readings }: BatchReadings) => {
  const prefills = readings.map(({ prefillTokensPerSecond }) => prefillTokensPerSecond)
  const generation = median(readings.map(({ generationTokensPerSecond }) => generationTokensPerSecond))
  const beside = medianOrNull(
    readings.map(({ besidePrefillTokensPerSecond }) => besidePrefillTokensPerSecond),
  )
  const drafted = readings.reduce((sum, reading) => sum + (reading.drafted ?? 0), 0)
  const accepted = readings.reduce((sum, reading) => sum + (reading.accepted ?? 0), 0)
  return {
    batchTokens,
    prefillTokensPerSecond: median(prefills),
    generationTokensPerSecond: generation,
    /** Accepted share of drafted tokens over all repeats, 0 to 1. */
    draftAcceptance: drafted === 0 ? null : accepted / drafted,
    besidePrefillTokensPerSecond: beside,
    /** The share of its speed that a stream keeps while another slot prefills, 0 to 1. */
    keptShare: beside === null ? null : beside / generation,
    longestPauseMs: medianOrNull(readings.map(({ longestPauseMs }) => longestPauseMs)),
    /** Lowest and highest prefill of the repeats: shows how far to trust them. */
    prefillRange: [Math.min(...prefills), Math.max(...prefills)] as const,
  }
}

/** How much slower than the fastest a prefill may be for the sake of a smooth stream. */
const worthwhilePrefillShare = 0.8
/** Streams that differ by less count as equal; then the faster prefill decides. */
const sameStreamShare = 0.1

/**
 * The size at which a stream keeps most of its speed beside a prefill, among those whose prefill loses at most a fifth. With
 * one slot there is no other stream, and the fastest prefill is best. null: nothing was measured.
 */
export const recommendBatch = (rows: readonly BatchRow[]) => {
  const fastest = rows.toSorted((a, b) => b.prefillTokensPerSecond - a.prefillTokensPerSecond)[0]
  if (fastest === undefined) return null
  const worthwhile = rows.filter(
    ({ prefillTokensPerSecond }) =>
      prefillTokensPerSecond >= worthwhilePrefillShare * fastest.prefillTokensPerSecond,
  )
  const kept = worthwhile.map(({ besidePrefillTokensPerSecond }) => besidePrefillTokensPerSecond ?? 0)
  const mostKept = Math.max(...kept)
  if (mostKept === 0)
    return {
      batchTokens: fastest.batchTokens,
      because: `its prefill is the fastest, ${speed(fastest.prefillTokensPerSecond)}; no stream beside it could be measured`,
    }
  const best = worthwhile
    .filter((row) => (row.besidePrefillTokensPerSecond ?? 0) >= (1 - sameStreamShare) * mostKept)
    .toSorted((a, b) => b.prefillTokensPerSecond - a.prefillTokensPerSecond)[0]
  if (best === undefined) return null
  const loss = 1 - best.prefillTokensPerSecond / fastest.prefillTokensPerSecond
  const price =
    best.batchTokens === fastest.batchTokens
      ? 'and no size prefills faster'
      : `for a prefill ${Math.round(loss * 100)} % slower than at ${fastest.batchTokens}`
  return {
    batchTokens: best.batchTokens,
    because: `a stream keeps ${speed(best.besidePrefillTokensPerSecond ?? 0)} while another agent's prompt is read, ${price}`,
  }
}

const speed = (tokensPerSecond: number): string => `${tokensPerSecond.toFixed(1)} tokens/s`
