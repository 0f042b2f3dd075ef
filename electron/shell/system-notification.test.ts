// Whether the system showed a notification: a stand-in for the answers that this machine's server does not give on demand.
import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Notice } from '../contract.ts'
import { type SystemNotification, showNotice } from './system-notification.ts'

const notice: Notice = {
  id: 'slots-full',
  since: 1,
  severity: 'critical',
  title: 'All slots are busy',
  body: 'A fifth agent waits.',
  view: { id: 'glance', service: null },
  raise: true,
}

interface Made {
  readonly events: EventEmitter
  readonly options: object
  readonly calls: string[]
}

let made: Made[]
const create = (options: object): SystemNotification => {
  const calls: string[] = []
  const events = new EventEmitter()
  made.push({ events, options, calls })
  return Object.assign(events, { show: () => calls.push('show'), close: () => calls.push('close') })
}
const last = (): Made => {
  const one = made.at(-1)
  if (one === undefined) throw new Error('none was made')
  return one
}

beforeEach(() => {
  made = []
  vi.useFakeTimers()
})
afterEach(() => vi.useRealTimers())

it('is shown with the words of the notice, and a click counts', async () => {
  let clicks = 0
  const shown = showNotice(create, notice, () => {
    clicks += 1
  })
  const { events, options, calls } = last()
  expect(options).toEqual({ title: notice.title, body: notice.body, urgency: 'critical' })
  expect(calls).toEqual(['show'])
  events.emit('show')
  events.emit('click')
  expect(await shown.refused).toBeNull()
  expect(clicks).toBe(1)
  shown.close()
  expect(calls).toEqual(['show', 'close'])
})

it('tells why the system refused', async () => {
  const shown = showNotice(create, notice, () => {})
  last().events.emit('failed', {}, 'not signed')
  expect(await shown.refused).toBe('the system refused: not signed')
})

it('does not take silence for a yes', async () => {
  const shown = showNotice(create, notice, () => {})
  await vi.advanceTimersByTimeAsync(6_000)
  expect(await shown.refused).toContain('did not say')
})

it('says that there is no service for them', async () => {
  expect(await showNotice(null, notice, () => {}).refused).toBe('this system has no notification service')
})
