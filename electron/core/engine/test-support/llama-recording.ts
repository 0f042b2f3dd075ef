// Reads the recorded series of readings that the tests replay.
import { readFileSync } from 'node:fs'
import { type LlamaMetrics, parseMetrics, parseSlots, type RawSlot } from '../llama-answers.ts'

export interface RecordedReading {
  readonly atMs: number
  /** undefined: not read this time. */
  readonly metrics: LlamaMetrics | null | undefined
  readonly slots: readonly RawSlot[]
}

export function readRecording(name: string): RecordedReading[] {
  const text = readFileSync(new URL(`../fixtures/${name}`, import.meta.url), 'utf8')
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const row: { t: number; metrics?: string; slots: unknown } = JSON.parse(line)
      const slots = parseSlots(row.slots)
      if (slots === null) throw new Error(`${name}: not /slots at ${row.t} s`)
      return {
        atMs: row.t * 1000,
        metrics: row.metrics === undefined ? undefined : parseMetrics(row.metrics),
        slots,
      }
    })
}
