// One notification for each notice, and none left over.
import { beforeEach, expect, it } from 'vitest'
import type { Notice, View } from '../contract/notice.ts'
import { createNotifications } from './notifications.ts'

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
