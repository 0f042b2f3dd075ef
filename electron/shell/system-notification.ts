// One notification of the operating system, and whether it was really shown.
import type { EventEmitter } from 'node:events'
import type { Notice } from '../contract.ts'
import { within } from '../core/deadline.ts'
import type { ShownNotice } from './notifications.ts'

/** Of Electron's Notification what is needed here. */
export interface SystemNotification extends EventEmitter {
  show(): void
  close(): void
}

export interface NotificationWords {
  readonly title: string
  readonly body: string
  readonly urgency: 'normal' | 'critical'
}

/** macOS may fail without any event when the app's signature is broken (electronim, issue 714). */
const answerMs = 5_000

/** `create` is null where the system has no notifications at all. */
export const showNotice = (
  create: ((words: NotificationWords) => SystemNotification) | null,
  { title, body, severity }: Notice,
  onClick: () => void,
): ShownNotice => {
  if (create === null)
    return { refused: Promise.resolve('this system has no notification service'), close: () => {} }
  const notification = create({ title, body, urgency: severity === 'critical' ? 'critical' : 'normal' })
  const answer = new Promise<string | null>((resolve) => {
    notification.once('show', () => resolve(null))
    // Its second argument is the system's reason (Electron's docs of Notification, `failed`).
    notification.once('failed', (_event, error) => resolve(`the system refused: ${error}`))
  })
  notification.on('click', onClick)
  notification.show()
  return {
    refused: within(
      answer.then((reason) => ({ reason })),
      answerMs,
    ).then((said) => (said === null ? 'the system did not say that it showed the last one' : said.reason)),
    close: () => notification.close(),
  }
}
