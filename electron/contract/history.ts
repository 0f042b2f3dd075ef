// The history that the charts draw.
import * as z from 'zod'
import { count, epochMs, perSecond } from './values.ts'

/** One step of the charts; null: no reading. */
export const HistorySampleSchema = z.strictObject({
  at: epochMs,
  generationTokensPerSecond: perSecond.nullable(),
  promptTokensPerSecond: perSecond.nullable(),
  busySlots: count.nullable(),
  waiting: count.nullable(),
})
export type HistorySample = z.infer<typeof HistorySampleSchema>

export const historyStepMs = 5_000
/** The last 15 minutes. */
export const historyLength = 180
