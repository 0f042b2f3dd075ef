// Which of the Router's words about parked conversations a person is told: with more conversations than slots two come each turn.
import type { StackEvent } from '../../contract/notice.ts'
import type { CacheEvent } from '../router/router-feed.ts'

/** As often as the same notice is raised. */
const pauseMs = 600_000

/** Every file that could not be written or used, and the first of the others in ten minutes. */
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
