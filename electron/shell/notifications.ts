// System notifications for the core's notices: each is shown once, and removed when its condition ends; and whether the
// system really showed it.
import type { EventEmitter } from 'node:events'
import type { Notice, View } from '../contract/notice.ts'
import { within } from '../core/base/first-of.ts'
import { showControls } from '../wording/visible-text.ts'

/** One notification on its way to the screen. */
interface ShownNotice {
  close(): void
}

interface NoticeListeners {
  readonly onClick: () => void
  /** null when the system showed it, else why not; the last call counts. */
  readonly onRefused: (reason: string | null) => void
}

interface NotificationOptions {
  readonly show: (notice: Notice, listeners: NoticeListeners) => ShownNotice
  readonly onView: (view: View) => void
  /** null: the system shows notifications. */
  readonly onRefused: (reason: string | null) => void
}

/**
 * The core decides which notices there are and when they are due; this only tracks what is on screen. The returned
 * function takes the notices of each live snapshot.
 */
export const createNotifications = ({
  show,
  onView,
  onRefused,
}: NotificationOptions): ((notices: readonly Notice[]) => void) => {
  const shown = new Map<string, ShownNotice>()
  /** The `since` it was last shown with. A core that falls silent and answers again reports the same time. */
  const shownSince = new Map<string, number>()

  const raise = (notice: Notice) => {
    const { id, view, since } = notice
    shownSince.set(id, since)
    shown.set(id, show(notice, { onClick: () => onView(view), onRefused }))
  }

  return (notices) => {
    const held = new Set(notices.map(({ id }) => id))
    for (const [id, on] of shown) {
      if (held.has(id)) continue
      on.close()
      shown.delete(id)
    }
    for (const notice of notices) {
      const { id, since } = notice
      if (notice.raise && !shown.has(id) && shownSince.get(id) !== since) raise(notice)
    }
  }
}

/** The part of Electron's Notification used here. */
export interface SystemNotification extends EventEmitter {
  show(): void
  close(): void
}

interface NotificationWords {
  /** macOS replaces a notification with the same id, even one from an earlier run of the app. */
  readonly id: string
  readonly title: string
  readonly body: string
  readonly urgency: 'normal' | 'critical'
}

/** macOS may fail without any event when the app's signature is broken (electronim, issue 714). */
const answerMs = 5_000

/** `create` is null where the system has no notifications at all. */
export const showNotice = (
  create: ((words: NotificationWords) => SystemNotification) | null,
  { id, title, body, severity }: Notice,
  { onClick, onRefused }: NoticeListeners,
): ShownNotice => {
  if (create === null) {
    onRefused('this system has no notification service')
    return { close: () => {} }
  }
  const urgency = severity === 'critical' ? 'critical' : 'normal'
  const notification = create({ id, title: showControls(title), body: showControls(body), urgency })
  const answer = new Promise<string | null>((resolve) => {
    notification.once('show', () => resolve(null))
    // Its second argument is the system's reason (Electron's docs of Notification, `failed`).
    notification.once('failed', (_event, error) => resolve(`the system refused: ${error}`))
  })
  // The first notification waits for the user's permission, so a late answer still counts.
  void answer.then(onRefused)
  let isWithdrawn = false
  void within(
    answer.then(() => 'answered'),
    answerMs,
  ).then((said) => {
    if (said === null && !isWithdrawn) onRefused('the system did not confirm the last one')
  })
  notification.on('click', onClick)
  notification.show()
  return {
    close: () => {
      isWithdrawn = true
      notification.close()
    },
  }
}
