// Sameness by what values say.
import { expect, test } from 'vitest'
import { isSame } from './is-same.ts'
import { busySnapshot } from './test-support/sample-snapshot.ts'

test('a copy says the same, one changed leaf does not', () => {
  const copy: unknown = JSON.parse(JSON.stringify(busySnapshot))
  expect(isSame(busySnapshot, copy)).toBe(true)
  expect(isSame(busySnapshot, { ...busySnapshot, takenAt: 1 })).toBe(false)
})

test.each([
  [null, {}],
  [[], {}],
  [{ a: undefined }, { b: undefined }],
  [[1, 2], [1]],
  [0, null],
])('%j is not %j', (a, b) => {
  expect(isSame(a, b)).toBe(false)
})
