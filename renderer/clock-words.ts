// Times of day in the window's time zone. Pure.

const timeFormat = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const weekdayFormat = new Intl.DateTimeFormat('en-GB', { weekday: 'short' })
const dayFormat = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })

/** Within this many days a weekday is unambiguous. */
const mostDaysByWeekday = 6

const startOfDay = (at: number): number => new Date(at).setHours(0, 0, 0, 0)

/** "09:14". */
export const formatTime = (at: number): string => timeFormat.format(at)

/** "09:14" for today, "Wed 09:14" for the days before, "12 Nov 09:14" for earlier days. */
export const formatDayAndTime = (at: number, now: number): string => {
  // Round: a day with a clock change has 23 or 25 hours.
  const days = Math.round((startOfDay(now) - startOfDay(at)) / 86_400_000)
  if (days <= 0) return formatTime(at)
  return `${(days <= mostDaysByWeekday ? weekdayFormat : dayFormat).format(at)} ${formatTime(at)}`
}
