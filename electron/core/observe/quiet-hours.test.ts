// Quiet hours by the clock on the wall, across midnight too.
import { expect, it } from 'vitest'
import { isQuiet, minuteOfDay } from './quiet-hours.ts'

const at = (time: string): number => {
  const [hours = 0, minutes = 0] = time.split(':').map(Number)
  return minuteOfDay(new Date(2026, 0, 5, hours, minutes).getTime())
}

it.each([
  ['22:00', '07:00', '21:59', false],
  ['22:00', '07:00', '22:00', true],
  ['22:00', '07:00', '23:59', true],
  ['22:00', '07:00', '00:00', true],
  ['22:00', '07:00', '06:59', true],
  ['22:00', '07:00', '07:00', false],
  ['12:00', '13:30', '11:59', false],
  ['12:00', '13:30', '12:00', true],
  ['12:00', '13:30', '13:29', true],
  ['12:00', '13:30', '13:30', false],
  ['00:00', '06:00', '23:59', false],
  ['08:00', '08:00', '03:00', true],
])('from %s to %s, %s is quiet: %s', (from, to, time, expected) => {
  expect(isQuiet({ from, to }, at(time))).toBe(expected)
})

it('is never quiet without quiet hours', () => {
  expect(isQuiet(null, at('03:00'))).toBe(false)
})
