// The lines of a log that the Logs view keeps and shows. Pure.
import { showControls } from '../electron/wording/visible-text.ts'

/** Enough to look back, few enough to draw at once. */
export const mostLogLines = 1000

export interface LogLine {
  /** Counts up, so that a line keeps its React key when older ones are dropped. */
  readonly id: number
  readonly text: string
}

export const appendLines = (before: readonly LogLine[], added: readonly string[]): readonly LogLine[] => {
  const first = (before[before.length - 1]?.id ?? -1) + 1
  return [...before, ...added.map((text, index) => ({ id: first + index, text: showControls(text) }))].slice(
    -mostLogLines,
  )
}

/** Lines written while the tail was read are at its end and again at the start of the followed ones; keeps them once. */
export const joinTail = (tail: readonly string[], followed: readonly string[]): readonly string[] => {
  let shared = Math.min(tail.length, followed.length)
  const isShared = (count: number) =>
    followed.slice(0, count).every((line, index) => line === tail[tail.length - count + index])
  while (!isShared(shared)) shared -= 1
  return [...tail, ...followed.slice(shared)]
}

/** Lines that contain every word of the filter, ignoring case. */
export const filterLines = (lines: readonly LogLine[], filter: string): readonly LogLine[] => {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return lines
  return lines.filter(({ text }) => {
    const lower = text.toLowerCase()
    return words.every((word) => lower.includes(word))
  })
}

/** llama-server marks its lines with a letter after the time; the others spell out the level. */
export const judgeLine = (text: string): 'error' | 'warning' | 'plain' => {
  if (/^[\d.]+ E |\b(ERROR|CRITICAL|FATAL)\b|Traceback/.test(text)) return 'error'
  if (/^[\d.]+ W |\bWARN(ING)?\b/.test(text)) return 'warning'
  return 'plain'
}
