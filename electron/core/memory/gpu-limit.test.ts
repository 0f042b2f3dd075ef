// Metal's usual limit against what machines were reported to have.
import { expect, it } from 'vitest'
import { estimateGpuLimitBytes } from './gpu-limit.ts'

it.each([
  [8, 5.3],
  [16, 10.7],
  [32, 21.3],
  [512, 384],
])('of %d GiB about %d', (gibibytes, limit) => {
  expect(estimateGpuLimitBytes(gibibytes * 1024 ** 3) / 1024 ** 3).toBeCloseTo(limit, 0)
})

it('is never more than a machine was reported to have', () => {
  expect(estimateGpuLimitBytes(128 * 1024 ** 3)).toBeLessThan(107.5 * 1024 ** 3)
})
