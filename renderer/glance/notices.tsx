// What holds now and a person should know: one banner each, gone when it no longer holds.
import { useState } from 'react'
import type { Notice } from '../../electron/contract/notice.ts'
import { serviceIds } from '../../electron/contract/service-ids.ts'
import type { Snapshot } from '../../electron/contract/snapshot.ts'
import { Icon } from '../icon.tsx'
import type { IconName } from '../icon-name.ts'
import { showView, useSnapshot } from '../mirror.ts'
import { describeTrouble } from '../service-words.ts'

const marks: Readonly<Record<Notice['severity'], IconName>> = {
  info: 'info',
  warning: 'warning',
  critical: 'failed',
}

const ranks = { critical: 0, warning: 1, info: 2 } as const
const mostShown = 3

/** The headline says that all is full, the line of those who wait for how long; a service that is not well says why itself, with its button. */
const isSaidElsewhere = (snapshot: Snapshot, { id, body, view }: Notice): boolean =>
  id === 'slots-full' ||
  id === 'request-waits' ||
  id === 'stack-ready' ||
  (view.id === 'logs' && view.service !== null && describeTrouble(snapshot, view.service) !== null) ||
  // Its cause may be shown elsewhere than in a log: the Doctor's, to which each card leads as well.
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
          <Icon name={marks[notice.severity]} />
          <div className="notice-words">
            <strong>{notice.title}</strong>
            <span title={notice.body}>{notice.body}</span>
          </div>
          {notice.view.id !== 'glance' && (
            <button
              type="button"
              className="button-small"
              aria-label={`Show the cause: ${notice.title}`}
              onClick={() => showView(notice.view)}
            >
              Show
            </button>
          )}
        </li>
      ))}
      {hidden > 0 && (
        <li className="more">
          <button type="button" className="button-small" aria-expanded={all} onClick={() => setAll(!all)}>
            {all ? 'Show fewer' : `and ${hidden} more`}
          </button>
        </li>
      )}
    </ul>
  )
}
