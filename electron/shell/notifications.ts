// System notifications for the core's notices: each is shown once, and removed when its condition ends.
import type { Notice, View } from '../contract/notice.ts'

/** One notification on its way to the screen. */
export interface ShownNotice {
  close(): void
}

export interface NoticeListeners {
  readonly onClick: () => void
  /** null when the system showed it, else why not; the last call counts. */
  readonly onRefused: (reason: string | null) => void
}

export interface NotificationOptions {
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
