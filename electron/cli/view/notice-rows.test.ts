// Notices on the status screen: only those not shown elsewhere, within the width, three at most.
import { expect, it } from 'vitest'
import type { Notice } from '../../contract/notice.ts'
import { sampleNow, sampleSnapshots } from '../test-support/sample-snapshots.ts'
import { renderNotices } from './notice-rows.ts'
import { renderStatus } from './status-view.ts'
import { readLineWidth } from './text-line.ts'

const notice = (id: string, change: Partial<Notice> = {}): Notice => ({
  id,
  since: sampleNow - 60_000,
  severity: 'warning',
  title: 'Memory is being swapped out',
  body: '5 MiB per second, 3 GiB in swap: the model and builds slow down.',
  view: { id: 'plan', service: null },
  raise: true,
  ...change,
})

it('stand under the headline', () => {
  const snapshot = { ...sampleSnapshots.busy, notices: [notice('swap-growing')] }
  const lines = renderStatus(snapshot, { width: 100, color: false, now: sampleNow })
  expect(lines[1]).toBe(
    '! Memory is being swapped out   5 MiB per second, 3 GiB in swap: the model and builds slow down.',
  )
  expect(renderStatus(snapshot, { width: 80, color: false, now: sampleNow }).length).toBeLessThanOrEqual(24)
})

it.each(['slots-full', 'failed-proxy', 'degraded-llamaServer', 'crashed-proxy', 'claude-unanswered'])(
  'leave out %s, which is on the screen already',
  (id) => expect(renderNotices({ notices: [notice(id)] }, 80)).toEqual([]),
)

it('leave out mere information', () => {
  expect(renderNotices({ notices: [notice('anything', { severity: 'info' })] }, 80)).toEqual([])
})

it.each([20, 40, 80])('fit into %i columns, three of them', (width) => {
  const lines = renderNotices({ notices: ['a', 'b', 'c', 'd'].map((id) => notice(id)) }, width)
  expect(lines).toHaveLength(3)
  for (const line of lines) expect(readLineWidth(line)).toBeLessThanOrEqual(Math.max(width, 29))
})
