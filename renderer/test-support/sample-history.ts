// Test support: 15 minutes of a working day, the same ones every time.
import { type HistorySample, historyLength, historyStepMs } from '../../electron/contract/history.ts'
import { sampleNow } from './sample-snapshot.ts'

/** Two busy stretches with a pause, a gap of three readings, and some who had to wait near the end. */
const readRate = (step: number): number | null => {
  if (step >= 64 && step < 67) return null
  if (step > 92 && step < 108) return 0
  const wave = Math.sin(step / 9) * 9 + Math.sin(step / 2.3) * 3.5
  const level = step < 92 ? 24 : 38
  return Math.max(0, Math.round((level + wave) * 10) / 10)
}

export const sampleHistory: readonly HistorySample[] = Array.from({ length: historyLength }, (_, step) => {
  const rate = readRate(step)
  const full = step > 140 && step < 168
  return {
    at: sampleNow - (historyLength - 1 - step) * historyStepMs,
    generationTokensPerSecond: rate,
    promptTokensPerSecond: rate === null ? null : rate * 4,
    busySlots: rate === null ? null : full ? 4 : rate === 0 ? 0 : 2,
    waiting: rate === null ? null : full && step % 9 < 5 ? 1 : 0,
  }
})
