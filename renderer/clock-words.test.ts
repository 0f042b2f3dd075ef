// A time of day says which day it is of, unless that is today.
import { expect, test } from 'vitest'
import { formatDayAndTime, formatTime } from './clock-words.ts'

/** A Friday, where the test runs. */
const at = (day: number, hours: number, minutes: number) =>
  new Date(2026, 10, day, hours, minutes, 5).getTime()
const now = at(27, 14, 2)

test.each([
  [at(27, 9, 14), '09:14'],
  [at(27, 0, 0), '00:00'],
  [at(26, 23, 59), 'Thu 23:59'],
  [at(25, 9, 14), 'Wed 09:14'],
  [at(21, 9, 14), 'Sat 09:14'],
  [at(20, 9, 14), '20 Nov 09:14'],
  // A core's clock may be a little ahead.
  [now + 5000, '14:02'],
])('%i', (time, words) => {
  expect(formatDayAndTime(time, now)).toBe(words)
})

test('a time alone', () => {
  expect(formatTime(now)).toBe('14:02')
})
