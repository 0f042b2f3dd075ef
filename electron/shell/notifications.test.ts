// One notification for each notice, and none left over.
import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Notice, View } from '../contract/notice.ts'
import { createNotifications, type SystemNotification, showNotice } from './notifications.ts'

const notice = (id: string, change: Partial<Notice> = {}): Notice => ({
  id,
  since: 1,
  severity: 'warning',
  title: id,
  body: `${id} in full`,
  view: { id: 'glance', service: null },
  raise: true,
  ...change,
})

let log: string[]
let clicks: Map<string, () => void>
let views: View[]
let refusals: (string | null)[]
let take: (notices: readonly Notice[]) => void
let answer: string | null

beforeEach(() => {
  log = []
  clicks = new Map()
  views = []
  refusals = []
  answer = null
  take = createNotifications({
    show: ({ id }, { onClick, onRefused }) => {
      log.push(`show ${id}`)
      clicks.set(id, onClick)
      onRefused(answer)
      return { close: () => log.push(`close ${id}`) }
    },
    onView: (view) => views.push(view),
    onRefused: (reason) => refusals.push(reason),
  })
})

it('shows each once, whatever becomes of its words, and takes it back when it is over', () => {
  take([notice('slots-full')])
  take([notice('slots-full', { body: 'three are waiting now' })])
  take([notice('slots-full'), notice('crashed-proxy')])
  take([notice('crashed-proxy')])
  take([])
  expect(log).toEqual(['show slots-full', 'show crashed-proxy', 'close slots-full', 'close crashed-proxy'])
})

it('shows it again only after it was over, and not because the core was silent meanwhile', () => {
  take([notice('slots-full')])
  take([])
  take([notice('slots-full')])
  expect(log).toEqual(['show slots-full', 'close slots-full'])
  take([])
  take([notice('slots-full', { since: 2 })])
  expect(log).toEqual(['show slots-full', 'close slots-full', 'show slots-full'])
})

it('shows nothing that the core does not want raised, and what it wants later, later', () => {
  take([notice('slots-full', { raise: false })])
  expect(log).toEqual([])
  take([notice('slots-full')])
  // Quiet hours begin: what is on the screen stays.
  take([notice('slots-full', { raise: false })])
  expect(log).toEqual(['show slots-full'])
})

it('a click asks for the view of its cause', () => {
  take([notice('crashed-proxy', { view: { id: 'logs', service: 'proxy' } })])
  clicks.get('crashed-proxy')?.()
  expect(views).toEqual([{ id: 'logs', service: 'proxy' }])
})

it('says that the system refuses them, and when it no longer does', async () => {
  answer = 'not allowed'
  take([notice('a')])
  await Promise.resolve()
  answer = null
  take([notice('a'), notice('b')])
  await Promise.resolve()
  expect(refusals).toEqual(['not allowed', null])
})

describe('one of the system', () => {
  const full: Notice = {
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
    said = []
    vi.useFakeTimers()
  })
  afterEach(() => vi.useRealTimers())

  let said: (string | null)[]
  const listeners = {
    onClick: () => said.push('click'),
    onRefused: (reason: string | null) => said.push(reason),
  }

  it('is shown with the words of the notice under its id, and a click counts', async () => {
    const shown = showNotice(create, full, listeners)
    const { events, options, calls } = last()
    expect(options).toEqual({ id: full.id, title: full.title, body: full.body, urgency: 'critical' })
    expect(calls).toEqual(['show'])
    events.emit('show')
    events.emit('click')
    await vi.advanceTimersByTimeAsync(10_000)
    expect(said).toEqual(['click', null])
    shown.close()
    expect(calls).toEqual(['show', 'close'])
  })

  it('tells why the system refused', async () => {
    showNotice(create, full, listeners)
    last().events.emit('failed', {}, 'not signed')
    await vi.advanceTimersByTimeAsync(10_000)
    expect(said).toEqual(['the system refused: not signed'])
  })

  it('does not take silence for a yes, and takes a late one: a person may have to allow the first', async () => {
    showNotice(create, full, listeners)
    await vi.advanceTimersByTimeAsync(6_000)
    expect(said).toEqual([expect.stringContaining('did not confirm')])
    last().events.emit('show')
    await vi.advanceTimersByTimeAsync(0)
    expect(said.at(-1)).toBeNull()
  })

  it('says that there is no service for them', () => {
    showNotice(null, full, listeners)
    expect(said).toEqual(['this system has no notification service'])
  })

  it('that was withdrawn before the system answered is not refused', async () => {
    showNotice(create, full, listeners).close()
    await vi.advanceTimersByTimeAsync(10_000)
    expect(said).toEqual([])
  })
})
