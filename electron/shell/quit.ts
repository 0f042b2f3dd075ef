// Ending the app: a person is asked once whether the services go on; the system is not kept waiting, and they go on.
import { within } from '../core/base/deadline.ts'

export interface QuitParts {
  /** Whether there is anything to ask about. */
  anythingRuns(): boolean
  ask(): Promise<'leave' | 'stop' | 'cancel'>
  /** Settles when everything has stopped; answers why not otherwise. */
  stopEverything(): Promise<string | null>
  /** Why stopping did not work: the app stays. */
  tell(reason: string): void
  /** Lets go of the core. */
  letGo(): Promise<void>
  exit(): void
}

export interface Quit {
  /** A person wants to quit. Asked again while the first question stands, it is the same one. */
  request(): void
  /** The system ends us, or an update does: the services go on, and nothing is asked. Idempotent. */
  atOnce(): void
}

/** A logout waits some 20 s before it gives up on an app. */
const deadlineMs = 3_000

export const createQuit = (parts: QuitParts): Quit => {
  let asking = false
  let letGo: Promise<void> | null = null
  let hasExited = false

  const leave = async (): Promise<void> => {
    letGo ??= parts.letGo().catch(() => {})
    await within(letGo, deadlineMs)
    if (hasExited) return
    hasExited = true
    parts.exit()
  }

  const decide = async (): Promise<void> => {
    const answer = parts.anythingRuns() ? await parts.ask() : 'leave'
    if (answer === 'cancel') return
    const failure = answer === 'stop' && letGo === null ? await parts.stopEverything() : null
    if (failure === null) await leave()
    else parts.tell(failure)
  }

  return {
    request: () => {
      if (asking || letGo !== null) return
      asking = true
      void decide().finally(() => {
        asking = false
      })
    },
    atOnce: () => void leave(),
  }
}
