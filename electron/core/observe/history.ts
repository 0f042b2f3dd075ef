// The last 15 minutes in equal steps, for the charts: a ring of readings. A step without a reading is null.
import { type HistorySample, historyLength, historyStepMs } from '../../contract/history.ts'

/** One reading of the AI Engine; null when unknown. */
export type HistoryReading = Omit<HistorySample, 'at'>

/** Combines the readings of one step: the mean of rates, the maximum of counts. */
const summarize = (at: number, readings: readonly HistoryReading[]): HistorySample => ({
  at,
  generationTokensPerSecond: meanOf(readings.map((reading) => reading.generationTokensPerSecond)),
  promptTokensPerSecond: meanOf(readings.map((reading) => reading.promptTokensPerSecond)),
  busySlots: mostOf(readings.map((reading) => reading.busySlots)),
  waiting: mostOf(readings.map((reading) => reading.waiting)),
})

const meanOf = (values: readonly (number | null)[]): number | null => {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length
}

const mostOf = (values: readonly (number | null)[]): number | null => {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : Math.max(...known)
}

const stepOf = (now: number): number => Math.floor(now / historyStepMs) * historyStepMs

export const createHistory = () => {
  let finished: HistorySample[] = []
  /** The step being filled; null before the first reading. */
  let open: { at: number; readings: HistoryReading[] } | null = null

  /** Ends the open step and adds the empty ones before `step`: a machine that slept shows a gap, not a line across it. */
  const endStepsBefore = (step: number): readonly HistorySample[] => {
    if (open === null) return []
    const ended: HistorySample[] = []
    // Skip steps older than the ring: they would fall out at once.
    const first = Math.max(open.at, step - historyLength * historyStepMs)
    for (let at = first; at < step; at += historyStepMs) {
      ended.push(summarize(at, at === open.at ? open.readings : []))
    }
    finished = [...finished, ...ended].slice(-historyLength)
    return ended
  }

  return {
    /** The finished steps, oldest first, at most `historyLength`. */
    samples: (): readonly HistorySample[] => finished,
    /**
     * Adds the reading of `now` (ms since the epoch) and returns the steps that ended before it. null: no reading, only
     * time has passed.
     */
    add: (reading: HistoryReading | null, now: number): readonly HistorySample[] => {
      const step = stepOf(now)
      // The clock was set back: steps now in the future would be drawn over the present.
      if (open !== null && step < open.at) {
        finished = finished.filter(({ at }) => at < step)
        open = null
      }
      const ended = endStepsBefore(step)
      if (open === null || open.at !== step) open = { at: step, readings: [] }
      if (reading !== null) open.readings.push(reading)
      return ended
    },
  }
}
