// System notifications of what the core notices: one for each, shown once, taken back when it no longer holds.
import type { Notice, View } from '../contract/notice.ts'

/** One notification on its way to the screen. */
export interface ShownNotice {
  close(): void
}

export interface NoticeListeners {
  readonly onClick: () => void
  /** null when the system showed it, else why it did not; the last word counts. */
  readonly onRefused: (reason: string | null) => void
}

export interface NotificationOptions {
  readonly show: (notice: Notice, listeners: NoticeListeners) => ShownNotice
  readonly onView: (view: View) => void
  /** null: the system shows them. */
  readonly onRefused: (reason: string | null) => void
}

/**
 * The core decides what is noticed and when it is due; here is only remembered what is on the screen. The returned
 * function takes the notices of each live snapshot.
 */
export const createNotifications = ({
  show,
  onView,
  onRefused,
}: NotificationOptions): ((notices: readonly Notice[]) => void) => {
  const shown = new Map<string, ShownNotice>()
  /** Since when it held as it was shown last. A core that fell silent and answers again tells of the same time. */
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
