// Models in words, the same in terminal and window: a model's name, the columns of their table, and how far a fetch is. Pure.
import type { ModelFetch } from '../contract/snapshot.ts'
import { formatBytes, formatRoughDuration, formatShare } from './figures.ts'

/** The suffix of llama.cpp's gguf-split for the parts of one model. */
const splitPart = /-\d{5}-of-\d{5}$/

/** Characters kept at the end: size and quantization, such as "70B-Q8_0". */
export const keptEnd = 10

/**
 * "DeepSeek-R1-Distill-Llama-70B-Q8_0" from its path; a name longer than `most` characters (12 or more) loses its middle,
 * since size and quantization are at the end.
 */
export const nameModel = (path: string, most = Number.POSITIVE_INFINITY): string => {
  const file = path.slice(path.lastIndexOf('/') + 1)
  const name = file.replace(/\.gguf$/i, '').replace(splitPart, '')
  if (name.length <= most) return name
  return `${name.slice(0, most - keptEnd - 1)}…${name.slice(-keptEnd)}`
}

export const modelColumns = {
  model: 'Model',
  context: 'Context',
  firstTurn: 'First turn',
  rate: 'Tok/s',
} as const

export const explainColumns = (
  agents: number,
  firstTurnTokens: number,
): readonly (readonly [title: string, text: string])[] => [
  [
    modelColumns.context,
    `tokens for each of ${agents} when all are full, by the memory plan with all its reserves.`,
  ],
  [
    modelColumns.firstTurn,
    `${firstTurnTokens.toLocaleString('en-US')} tokens read at the published rate. Rates are those of the machine in the source.`,
  ],
]

/** Whether the core is still working on it. */
export const isFetchActive = ({ phase }: Pick<ModelFetch, 'phase'>): boolean =>
  phase !== 'done' && phase !== 'failed' && phase !== 'cancelled'

/** "12.3 of 69.8 GiB, 45 MiB/s, 21 min left" */
export const describeFetch = (fetch: ModelFetch): string => {
  const { phase, reason, doneBytes, totalBytes, bytesPerSecond, secondsLeft } = fetch
  const share = formatShare(doneBytes, totalBytes)
  switch (phase) {
    case 'queued':
      return 'waiting for its turn'
    case 'listing':
      return 'looking up the files'
    case 'fetching': {
      const rate = bytesPerSecond === null ? [] : [`${formatBytes(Math.round(bytesPerSecond))}/s`]
      const left = secondsLeft === null ? [] : [`${formatRoughDuration(secondsLeft)} left`]
      return [share, ...rate, ...left].join(', ')
    }
    case 'checking':
      return `checking the hash: ${share}`
    case 'waiting':
      return `waiting: ${reason ?? 'it is tried again'}`
    case 'done':
      return reason ?? 'it is here'
    case 'failed':
      return reason ?? 'it failed'
    case 'cancelled':
      return 'cancelled'
  }
}
