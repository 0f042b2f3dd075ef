// Current notices: one banner each, gone when the condition ends.
import { useState } from 'react'
import type { Notice } from '../../electron/contract/notice.ts'
import { serviceIds } from '../../electron/contract/service-ids.ts'
import type { Snapshot } from '../../electron/contract/snapshot.ts'
import { Button } from '../buttons.tsx'
import { Icon, severityIcons } from '../icon.tsx'
import { showView, useSnapshot } from '../mirror.ts'
import { describeTrouble } from '../service-words.ts'

const ranks = { critical: 0, warning: 1, info: 2 } as const
const mostShown = 3

/** The headline shows full slots, the queue's row shows waits, and an unhealthy service has its own card with a button. */
const isSaidElsewhere = (snapshot: Snapshot, { id, body, view }: Notice): boolean =>
  id === 'slots-full' ||
  id === 'request-waits' ||
  id === 'stack-ready' ||
  (view.id === 'logs' && view.service !== null && describeTrouble(snapshot, view.service) !== null) ||
  // A notice may lead to the Doctor instead of a log, but each card leads there too.
  serviceIds.some((part) => describeTrouble(snapshot, part)?.reason === body)

export const Notices = () => {
  const notices = useSnapshot((snapshot) =>
    snapshot.notices
      .filter((notice) => !isSaidElsewhere(snapshot, notice))
      .sort((a, b) => ranks[a.severity] - ranks[b.severity]),
  )
  const [all, setAll] = useState(false)
  if (notices === null || notices.length === 0) return null
  const hidden = notices.length - mostShown
  return (
    <ul className="notices" aria-label="Notices">
      {notices.slice(0, all ? undefined : mostShown).map((notice) => (
        <li key={notice.id} className={`notice notice-${notice.severity}`}>
          <Icon name={severityIcons[notice.severity]} />
          <div className="notice-words">
            <strong>{notice.title}</strong>
            <span title={notice.body}>{notice.body}</span>
          </div>
          {notice.view.id !== 'glance' && (
            <Button aria-label={`Show the cause: ${notice.title}`} onClick={() => showView(notice.view)}>
              Show
            </Button>
          )}
        </li>
      ))}
      {hidden > 0 && (
        <li className="more">
          <Button aria-expanded={all} onClick={() => setAll(!all)}>
            {all ? 'Show fewer' : `and ${hidden} more`}
          </Button>
        </li>
      )}
    </ul>
  )
}
