// Whether the system showed a notification: a stand-in for the answers that this machine's server does not give on demand.
import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Notice } from '../contract/notice.ts'
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

let said: (string | null)[]
const listeners = {
  onClick: () => said.push('click'),
  onRefused: (reason: string | null) => said.push(reason),
}

beforeEach(() => {
  said = []
})

it('is shown with the words of the notice under its id, and a click counts', async () => {
  const shown = showNotice(create, notice, listeners)
  const { events, options, calls } = last()
  expect(options).toEqual({ id: notice.id, title: notice.title, body: notice.body, urgency: 'critical' })
  expect(calls).toEqual(['show'])
  events.emit('show')
  events.emit('click')
  await vi.advanceTimersByTimeAsync(10_000)
  expect(said).toEqual(['click', null])
  shown.close()
  expect(calls).toEqual(['show', 'close'])
})

it('tells why the system refused', async () => {
  showNotice(create, notice, listeners)
  last().events.emit('failed', {}, 'not signed')
  await vi.advanceTimersByTimeAsync(10_000)
  expect(said).toEqual(['the system refused: not signed'])
})

it('does not take silence for a yes, and takes a late one: a person may have to allow the first', async () => {
  showNotice(create, notice, listeners)
  await vi.advanceTimersByTimeAsync(6_000)
  expect(said).toEqual([expect.stringContaining('did not confirm')])
  last().events.emit('show')
  await vi.advanceTimersByTimeAsync(0)
  expect(said.at(-1)).toBeNull()
})

it('says that there is no service for them', () => {
  showNotice(null, notice, listeners)
  expect(said).toEqual(['this system has no notification service'])
})

it('that was withdrawn before the system answered is not refused', async () => {
  showNotice(create, notice, listeners).close()
  await vi.advanceTimersByTimeAsync(10_000)
  expect(said).toEqual([])
})
