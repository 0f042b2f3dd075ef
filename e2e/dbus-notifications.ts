// Reads notifications out of what dbus-monitor prints, as the witness that the system was really asked to show them.

export interface Notification {
  /** The server's; null until it has answered. */
  readonly id: number | null
  readonly title: string
  readonly body: string
}

export interface NotificationReader {
  push(line: string): void
  /** Raised and not closed, the latest last. */
  notifications(): readonly Notification[]
  /** The title of each one that was ever raised, in order; one that only changed is the same. */
  titlesRaised(): readonly string[]
  /** How many lines came so far. */
  lines(): number
  /** Whether a notification server has the bus's name for it. */
  served(): boolean
}

interface Message {
  readonly header: string
  readonly body: string[]
}

/**
 * A message is a header at the line's start (`method call time=... member=Notify`) and its arguments, each indented by three
 * blanks; Notify's strings are the app's name, an icon, the title and the body, which may go over several lines
 * (specifications.freedesktop.org/notification-spec).
 */
export const createNotificationReader = (): NotificationReader => {
  let current: Message | null = null
  let lines = 0
  let served = false
  const shown = new Map<string, Notification>()
  const titlesRaised: string[] = []

  const finish = ({ header, body }: Message) => {
    const text = body.join('\n')
    const serial = /\bserial=(\d+)/.exec(header)?.[1] ?? ''
    if (header.includes('member=NameOwnerChanged')) served = !/string ""\s*$/.test(text)
    else if (header.includes('member=Notify')) {
      const [, , title, content] = [...text.matchAll(/^ {3}string "([\s\S]*?)"$/gm)].map((match) => match[1])
      const replaced = Number(/^ {3}uint32 (\d+)/m.exec(text)?.[1] ?? 0)
      if (replaced === 0) titlesRaised.push(title ?? '')
      else forget(replaced)
      const id = replaced === 0 ? null : replaced
      shown.set(`${senderOf(header)} ${serial}`, { id, title: title ?? '', body: content ?? '' })
    } else if (header.startsWith('method return')) {
      const reply = `${/destination=(\S+)/.exec(header)?.[1]} ${/reply_serial=(\d+)/.exec(header)?.[1]}`
      const asked = shown.get(reply)
      const id = /uint32 (\d+)/.exec(text)?.[1]
      if (asked !== undefined && id !== undefined) shown.set(reply, { ...asked, id: Number(id) })
    } else if (/member=(CloseNotification|NotificationClosed)/.test(header)) {
      forget(Number(/uint32 (\d+)/.exec(text)?.[1]))
    }
  }
  const forget = (id: number) => {
    for (const [key, notification] of shown) if (notification.id === id) shown.delete(key)
  }

  return {
    push: (line) => {
      lines += 1
      if (/^(method call|method return|signal|error) /.test(line)) current = { header: line, body: [] }
      else current?.body.push(line)
      if (current !== null && isComplete(current)) {
        finish(current)
        current = null
      }
    },
    notifications: () => [...shown.values()],
    titlesRaised: () => titlesRaised,
    lines: () => lines,
    served: () => served,
  }
}

const senderOf = (header: string): string => /sender=(\S+)/.exec(header)?.[1] ?? ''

/** Nothing marks a message's end: by the last argument that its kind has. */
const isComplete = ({ header, body }: Message): boolean => {
  const last = body.at(-1) ?? ''
  if (header.includes('member=NameOwnerChanged')) return body.length === 3
  // Its last argument is the time that it is to stay, the only int32.
  if (header.includes('member=Notify;') || header.endsWith('member=Notify')) return /^ {3}int32 /.test(last)
  if (header.includes('member=NotificationClosed')) return body.length === 2
  return /^ {3}uint32 /.test(last)
}
