// A notification of the operating system, and whether it was really shown.
import type { EventEmitter } from 'node:events'
import type { Notice } from '../contract/notice.ts'
import { within } from '../core/base/first-of.ts'
import { showControls } from '../wording/visible-text.ts'
import type { NoticeListeners, ShownNotice } from './notifications.ts'

/** The part of Electron's Notification used here. */
export interface SystemNotification extends EventEmitter {
  show(): void
  close(): void
}

export interface NotificationWords {
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
