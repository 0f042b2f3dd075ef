// System notifications of what the core notices: one for each, shown once, taken back when it no longer holds.
import type { Notice, View } from '../contract.ts'

/** One notification on its way to the screen. */
export interface ShownNotice {
  /** null when the system showed it, else why it did not. */
  readonly refused: Promise<string | null>
  close(): void
}

export interface NotificationOptions {
  readonly show: (notice: Notice, onClick: () => void) => ShownNotice
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

  const raise = (notice: Notice) => {
    const { id, view } = notice
    const on = show(notice, () => onView(view))
    shown.set(id, on)
    void on.refused.then(onRefused)
  }

  return (notices) => {
    const held = new Set(notices.map(({ id }) => id))
    for (const [id, on] of shown) {
      if (held.has(id)) continue
      on.close()
      shown.delete(id)
    }
    for (const notice of notices) if (notice.raise && !shown.has(notice.id)) raise(notice)
  }
}
