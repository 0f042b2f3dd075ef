import { expect, it } from 'vitest'
import { createTransferRate } from './transfer-rate.ts'

it('is the rate of the last ten seconds, and falls when nothing arrives', () => {
  let now = 0
  const rate = createTransferRate(() => now)
  expect(rate.read()).toBeNull()
  for (; now <= 20_000; now += 100) rate.add(now * 50)
  expect(rate.read()).toBeGreaterThan(49_000)
  now += 5_000
  expect(rate.read()).toBeLessThan(30_000)
  now += 10_000
  expect(rate.read()).toBe(0)
  rate.reset()
  expect(rate.read()).toBeNull()
})

it('is unknown in the first second', () => {
  let now = 0
  const rate = createTransferRate(() => now)
  rate.add(0)
  now = 900
  rate.add(1_000_000)
  expect(rate.read()).toBeNull()
})
