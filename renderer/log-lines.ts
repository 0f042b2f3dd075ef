// The lines of a log that the Logs view keeps and shows. Pure.
import { showControls } from '../electron/wording/visible-text.ts'

/** What the view keeps: enough to look back, little enough to draw at once. */
export const mostLogLines = 1000

export interface LogLine {
  /** Counts up, so that a line keeps its place in the page when older ones are dropped. */
  readonly id: number
  readonly text: string
}

export const appendLines = (before: readonly LogLine[], added: readonly string[]): readonly LogLine[] => {
  const first = (before[before.length - 1]?.id ?? -1) + 1
  return [...before, ...added.map((text, index) => ({ id: first + index, text: showControls(text) }))].slice(
    -mostLogLines,
  )
}

/** A line that was written while the tail was read is the last of the tail and the first of what followed. */
export const joinTail = (tail: readonly string[], followed: readonly string[]): readonly string[] => {
  let shared = Math.min(tail.length, followed.length)
  const isShared = (count: number) =>
    followed.slice(0, count).every((line, index) => line === tail[tail.length - count + index])
  while (!isShared(shared)) shared -= 1
  return [...tail, ...followed.slice(shared)]
}

/** Those that contain every word of the filter, whatever its case. */
export const filterLines = (lines: readonly LogLine[], filter: string): readonly LogLine[] => {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return lines
  return lines.filter(({ text }) => {
    const lower = text.toLowerCase()
    return words.every((word) => lower.includes(word))
  })
}

/** llama-server marks its lines with a letter after the time; others spell their level out. */
export const judgeLine = (text: string): 'error' | 'warning' | 'plain' => {
  if (/^[\d.]+ E |\b(ERROR|CRITICAL|FATAL)\b|Traceback/.test(text)) return 'error'
  if (/^[\d.]+ W |\bWARN(ING)?\b/.test(text)) return 'warning'
  return 'plain'
}
