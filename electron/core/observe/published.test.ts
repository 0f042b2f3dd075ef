// What watchers get: some every reading, some only what matters, and several changes in one turn once.
import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { Snapshot } from '../../contract/snapshot.ts'
import { sampleReadings } from '../../contract/test-support/sample-snapshot.ts'
import { createPublished } from './published.ts'

const setUp = () => {
  const world = { now: 1_000_000, watched: [] as boolean[], refreshed: 0, folded: 0 }
  const { memory, ramDisk, slots, queue, throughput, ...facts } = sampleReadings
  const feed = createPublished({
    facts: () => {
      world.folded += 1
      return { ...facts, heldSlots: null }
    },
    poller: {
      latest: () => ({
        memory: null,
        ramDisk: null,
        slots: null,
        tasks: null,
        queue: null,
        throughput: null,
        engineAskedAt: null,
      }),
      maxAgeMs: () => 3_000,
      setWatched: (watched) => world.watched.push(watched),
    },
    refresh: async () => {
      world.refreshed += 1
    },
    settings: () => ({ enabled: true, quietHours: null }),
    now: () => world.now,
  })
  feed.arrived('change')
  return { world, feed }
}

it('tells the present at once, then each reading', async () => {
  const { world, feed } = setUp()
  const seen: number[] = []
  const watch = feed.watch(({ takenAt }) => seen.push(takenAt))
  await watch.begun
  expect(seen).toEqual([1_000_000])
  world.now += 1_000
  feed.arrived('reading')
  feed.arrived('reading')
  await turn()
  expect(seen).toEqual([1_000_000, 1_001_000])
  watch.stop()
  feed.arrived('change')
  await turn()
  expect(seen).toHaveLength(2)
})

it('sends numbers every few seconds to watchers that do not watch closely, and changes at once', async () => {
  const { world, feed } = setUp()
  const calm: number[] = []
  const close: number[] = []
  await feed.watch(({ takenAt }) => calm.push(takenAt - 1_000_000), { watched: false }).begun
  await feed.watch(({ takenAt }) => close.push(takenAt - 1_000_000)).begun
  for (let second = 1; second <= 10; second += 1) {
    world.now = 1_000_000 + second * 1_000
    feed.arrived(second === 7 ? 'change' : 'reading')
    // A reading in the same turn does not hide a change.
    feed.arrived('reading')
    await turn()
  }
  expect(close).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((second) => second * 1_000))
  expect(calm).toEqual([0, 5, 7].map((second) => second * 1_000))
})

it('goes on telling when the clock is set back by an hour', async () => {
  const { world, feed } = setUp()
  let told = 0
  await feed.watch(
    () => {
      told += 1
    },
    { watched: false },
  ).begun
  world.now -= 3_600_000
  feed.arrived('reading')
  await turn()
  expect(told).toBe(2)
})

it('reads everything at 1 Hz only while someone watches closely', async () => {
  const { world, feed } = setUp()
  const tray = feed.watch(() => {}, { watched: false })
  const window = feed.watch(() => {}, { watched: false })
  expect(world.watched).toEqual([false, false])
  window.setWatched(true)
  expect(world.watched.at(-1)).toBe(true)
  window.setWatched(false)
  expect(world.watched.at(-1)).toBe(false)
  window.setWatched(true)
  window.stop()
  expect(world.watched.at(-1)).toBe(false)
  tray.stop()
  expect(feed.hasWatchers()).toBe(false)
})

it('sends nothing to a watcher that stopped before the first snapshot', async () => {
  const { feed } = setUp()
  let told = 0
  const watch = feed.watch(() => {
    told += 1
  })
  watch.stop()
  await watch.begun
  expect(told).toBe(0)
})

it('folds each arrival once, and what it gives to everyone is that one value', async () => {
  const { world, feed } = setUp()
  const seen: Snapshot[] = []
  const watches = [feed.watch((snapshot) => seen.push(snapshot)), feed.watch(() => {}, { watched: false })]
  await Promise.all(watches.map(({ begun }) => begun))
  feed.arrived('reading')
  await turn()
  const told = feed.snapshot()
  expect(world.folded).toBe(2)
  expect(seen.at(-1)).toBe(told)
  world.now += 60_000
  expect(feed.snapshot()).toBe(told)
  expect(world.folded).toBe(2)
})
