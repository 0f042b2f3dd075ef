import { expect, it } from 'vitest'
import type { StackEvent } from '../../contract/notice.ts'
import type { CacheEvent } from '../router/router-feed.ts'
import { createCacheEvents } from './cache-events.ts'

it('tells every refusal, and of the others the first in ten minutes', () => {
  const noted: StackEvent[] = []
  const hear = createCacheEvents((event) => void noted.push(event))
  const event = (kind: CacheEvent['kind'], minutes: number): CacheEvent => ({
    number: 1,
    at: minutes * 60_000,
    kind,
    text: `a conversation of anna was ${kind}`,
  })
  for (const [kind, minutes] of [
    ['parked', 0],
    ['parked', 1],
    ['refused', 1],
    ['refused', 2],
    ['restored', 2],
    ['parked', 9],
    ['parked', 10],
  ] as const)
    hear(event(kind, minutes))
  expect(noted.map(({ at, severity, text }) => `${at / 60_000} ${severity} ${text}`)).toEqual([
    '0 info A conversation of anna was parked',
    '1 warning A conversation of anna was refused',
    '2 warning A conversation of anna was refused',
    '2 info A conversation of anna was restored',
    '10 info A conversation of anna was parked',
  ])
})
