// Which of the Router's reports on parked conversations become events: with more conversations than slots, each turn brings two.
import type { StackEvent } from '../../contract/notice.ts'
import type { CacheEvent } from '../router/router-feed.ts'

/** The same gap as between repeats of a notice. */
const pauseMs = 600_000

/** Passes every file that could not be written or used, and the first of the other reports in ten minutes. */
export const createCacheEvents = (note: (event: StackEvent) => void): ((event: CacheEvent) => void) => {
  const lastAt = new Map<CacheEvent['kind'], number>()
  return ({ kind, at, text }) => {
    const before = lastAt.get(kind)
    if (kind !== 'refused' && before !== undefined && at - before < pauseMs) return
    lastAt.set(kind, at)
    note({ at, severity: kind === 'refused' ? 'warning' : 'info', service: 'proxy', text: sentence(text) })
  }
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`
