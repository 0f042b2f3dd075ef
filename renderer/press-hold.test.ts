// A press right after the button has changed is not for what it does now.
import { expect, test } from 'vitest'
import { isTooSoon } from './press-hold.ts'

test.each([
  [1_000, 1_000, true],
  [1_000, 1_699, true],
  [1_000, 1_700, false],
  [Number.NEGATIVE_INFINITY, 0, false],
])('changed at %d ms, pressed at %d ms', (changedAt, pressedAt, tooSoon) => {
  expect(isTooSoon(changedAt, pressedAt)).toBe(tooSoon)
})
