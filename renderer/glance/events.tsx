// Recent events, the latest first.
import { Button } from '../buttons.tsx'
import { formatDayAndTime } from '../clock-words.ts'
import { Icon, severityIcons } from '../icon.tsx'
import { act, useMirror, useSnapshot } from '../mirror.ts'

/** A narrow window shows the first two, or as many as fit. */
const mostShown = 6

export const Events = () => {
  const events = useSnapshot(({ events: all, takenAt }) =>
    [...all]
      .reverse()
      .slice(0, mostShown)
      .map((event) => ({ ...event, time: formatDayAndTime(event.at, takenAt) })),
  )
  const refused = useMirror(({ app }) => app?.notificationsRefused ?? null)
  if ((events === null || events.length === 0) && refused === null) return null
  return (
    <section className="section events" aria-label="Recent events">
      <h2 className="hidden-words">Recent</h2>
      {refused !== null && (
        <p className="event event-warning">
          <Icon name="warning" />
          <span className="event-text" title={refused}>
            Notifications are not shown: {refused}
          </span>
          <Button onClick={() => void act({ type: 'openPage', page: 'notification-settings' })}>
            Allow…
          </Button>
        </p>
      )}
      <ul>
        {(events ?? []).map((event) => (
          <li key={`${event.at} ${event.text}`} className={`event event-${event.severity}`}>
            <Icon name={severityIcons[event.severity]} />
            <time dateTime={new Date(event.at).toISOString()}>{event.time}</time>
            <span className="event-text" title={event.text}>
              {event.text}
            </span>
          </li>
        ))}
      </ul>
    </section>
  )
}
