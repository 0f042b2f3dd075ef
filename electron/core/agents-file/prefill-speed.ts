// How fast this machine reads prompts, from the running llama-server's log. Pure.
import { parseLlamaLogLine } from '../engine/llama-log.ts'

export type PrefillSpeed = NonNullable<ReturnType<typeof readPrefillSpeed>>

/** Shorter prompts measure the overhead of a request, not the prefill. */
const shortestPromptTokens = 256
const mostPrompts = 20

/** @param lines the running llama-server's log, oldest first. null: no long prompt yet. `prompts`: how many are behind the median. */
export const readPrefillSpeed = (lines: readonly string[]) => {
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
