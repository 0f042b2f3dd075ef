// Whether it is a time of day at which nobody wants to be told.
import type { Config } from '../../contract/config.ts'

export type QuietHours = NonNullable<Config['notifications']['quietHours']>

const minutesOf = (time: string): number => {
  const [hours = '0', minutes = '0'] = time.split(':')
  return Number(hours) * 60 + Number(minutes)
}

/** Local time: what a person set, they set by the clock on their wall, summer time included. */
export const minuteOfDay = (at: number): number => {
  const date = new Date(at)
  return date.getHours() * 60 + date.getMinutes()
}

/**
 * `from` is quiet, `to` is not any more. From later than to spans midnight; both the same is the whole day.
 * @param minute of the day, 0 to 1439
 */
export const isQuiet = (quiet: QuietHours | null, minute: number): boolean => {
  if (quiet === null) return false
  const from = minutesOf(quiet.from)
  const to = minutesOf(quiet.to)
  return from < to ? minute >= from && minute < to : minute >= from || minute < to
}
