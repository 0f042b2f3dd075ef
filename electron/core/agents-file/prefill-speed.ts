// How fast this machine reads prompts, from the times that the running llama-server wrote down. Pure.
import { parseLlamaLogLine } from '../engine/llama-log.ts'

export interface PrefillSpeed {
  readonly tokensPerSecond: number
  /** How many prompts it is the median of. */
  readonly prompts: number
}

/** Shorter ones measure the start of a request, not the reading. */
const shortestPromptTokens = 256
const mostPrompts = 20

/** @param lines of the log of the llama-server that runs, oldest first. null: it has read no long prompt yet. */
export const readPrefillSpeed = (lines: readonly string[]): PrefillSpeed | null => {
  const rates: number[] = []
  for (const line of lines) {
    const event = parseLlamaLogLine(line)
    // An earlier process may have had another model.
    if (event?.kind === 'listening' || event?.kind === 'model-loaded') rates.length = 0
    if (event?.kind !== 'prompt-timing' || event.tokens < shortestPromptTokens) continue
    if (event.milliseconds > 0) rates.push((event.tokens * 1000) / event.milliseconds)
  }
  const sorted = rates.slice(-mostPrompts).toSorted((a, b) => a - b)
  const median = sorted[Math.floor(sorted.length / 2)]
  return median === undefined ? null : { tokensPerSecond: median, prompts: sorted.length }
}
