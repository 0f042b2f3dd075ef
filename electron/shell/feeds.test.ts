// What reaches the window: everything while it is seen, nothing while it is not, and nothing lost between.
import { beforeEach, describe, expect, it } from 'vitest'
import type { HistorySample } from '../contract/history.ts'
import { appState } from '../contract/test-support/sample-app-state.ts'
import { type AppStateStore, createAppState, createFeeds, type Feeds } from './feeds.ts'

const sample = (at: number): HistorySample => ({
  at,
  generationTokensPerSecond: null,
  promptTokensPerSecond: null,
  busySlots: null,
  waiting: null,
})

let state: AppStateStore
let sent: (readonly [number, unknown])[]
let feeds: Feeds
let histories: number
let tellSample: (at: number) => void
let tellLine: (line: string) => void
let logsFollowed: number

beforeEach(() => {
  state = createAppState(appState(null))
  sent = []
  histories = logsFollowed = 0
  feeds = createFeeds(
    {
      state,
      followHistory: (listener) => {
        histories += 1
        listener([sample(1), sample(2)])
        tellSample = (at) => listener([sample(at)])
        return () => {
          histories -= 1
          tellSample = () => {}
        }
      },
      followLog: (_log, listener) => {
        logsFollowed += 1
        tellLine = (line) => listener([line])
        return () => {
          logsFollowed -= 1
        }
      },
    },
    (id, value) => sent.push([id, value]),
  )
})

const versions = () =>
  sent.map(([, value]) =>
    typeof value === 'object' && value !== null && 'version' in value ? value.version : null,
  )

describe('the state', () => {
  it('reaches a hidden window once, so that it is painted, and then only a visible one', () => {
    feeds.follow(1, { kind: 'state' })
    state.update({ version: 'b' })
    expect(versions()).toEqual(['0.1.0'])
    feeds.setVisible(true)
    state.update({ version: 'c' })
    feeds.setVisible(false)
    state.update({ version: 'd' })
    feeds.setVisible(true)
    expect(versions()).toEqual(['0.1.0', 'b', 'c', 'd'])
  })

  it('is not told any more to who stopped following, nor to a page that is gone', () => {
    feeds.setVisible(true)
    feeds.follow(1, { kind: 'state' })
    feeds.follow(2, { kind: 'state' })
    sent = []
    feeds.unfollow(1)
    state.update({ version: 'b' })
    expect(sent.map(([id]) => id)).toEqual([2])
    feeds.unfollowAll()
    state.update({ version: 'c' })
    expect(sent).toHaveLength(1)
  })
})

describe('the history', () => {
  it('is followed only while seen, and comes whole each time', () => {
    feeds.follow(3, { kind: 'history' })
    expect(histories).toBe(0)
    feeds.setVisible(true)
    tellSample(3)
    feeds.setVisible(false)
    expect(histories).toBe(0)
    feeds.setVisible(true)
    expect(sent).toEqual([
      [3, [sample(1), sample(2)]],
      [3, [sample(3)]],
      [3, [sample(1), sample(2)]],
    ])
    feeds.unfollow(3)
    expect(histories).toBe(0)
  })
})

describe('a log', () => {
  it('loses no line while the window is hidden, and keeps no more than can be looked at', () => {
    feeds.setVisible(true)
    feeds.follow(4, { kind: 'log', log: 'proxy' })
    tellLine('seen')
    feeds.setVisible(false)
    for (let line = 0; line < 3_000; line += 1) tellLine(`${line}`)
    expect(sent).toEqual([[4, ['seen']]])
    feeds.setVisible(true)
    const [, missed] = sent[1] ?? []
    expect(missed).toHaveLength(2_000)
    tellLine('seen again')
    expect(sent.at(-1)).toEqual([4, ['seen again']])
    feeds.unfollowAll()
    expect(logsFollowed).toBe(0)
  })
})

describe('a view', () => {
  it('is kept for a page that is still loading, and asked for once', () => {
    const view = { id: 'logs', service: 'proxy' } as const
    feeds.showView(view)
    feeds.follow(5, { kind: 'view' })
    feeds.follow(6, { kind: 'view' })
    expect(sent).toEqual([[5, view]])
    feeds.showView({ id: 'glance', service: null })
    expect(sent.slice(1).map(([id]) => id)).toEqual([5, 6])
  })
})
