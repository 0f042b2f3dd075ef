// The progress of a model fetch, in words. Pure.
import type { ModelFetch } from '../contract/snapshot.ts'
import { formatBytes, formatRoughDuration, formatShare } from './figures.ts'

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
