// Whether a time of day is in the user's quiet hours.
import type { Config } from '../../contract/config.ts'

export type QuietHours = NonNullable<Config['notifications']['quietHours']>

const minutesOf = (time: string): number => {
  const [hours = '0', minutes = '0'] = time.split(':')
  return Number(hours) * 60 + Number(minutes)
}

/** In local time, including summer time: users set quiet hours by the clock on the wall. */
export const minuteOfDay = (at: number): number => {
  const date = new Date(at)
  return date.getHours() * 60 + date.getMinutes()
}

/**
 * `from` is inclusive, `to` exclusive. `from` after `to` spans midnight; equal means the whole day.
 * @param minute of the day, 0 to 1439
 */
export const isQuiet = (quiet: QuietHours | null, minute: number): boolean => {
  if (quiet === null) return false
  const from = minutesOf(quiet.from)
  const to = minutesOf(quiet.to)
  return from < to ? minute >= from && minute < to : minute >= from || minute < to
}
