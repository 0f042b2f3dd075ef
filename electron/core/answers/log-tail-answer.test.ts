// The end of a log that fits into one message.
import { expect, it } from 'vitest'
import { keepNewest } from './log-tail-answer.ts'

it.each([
  [['a', 'b', 'c'], 100, ['a', 'b', 'c']],
  [['a', 'b', 'c'], 8, ['b', 'c']],
  [['a', 'b', 'c'], 3, []],
  // A control character takes six bytes in JSON.
  [['a', '\u001b'], 9, ['\u001b']],
  [['é'], 4, []],
  [[], 100, []],
])('of %j in %i bytes keeps %j', (lines, bytes, expected) => {
  expect(keepNewest(lines, bytes)).toEqual(expected)
})
