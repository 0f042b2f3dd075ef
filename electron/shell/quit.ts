// Ends the app: asks a person once whether to leave the services running; never keeps the system waiting, and then leaves
// them running.
import { within } from '../core/base/first-of.ts'

export interface QuitParts {
  /** Whether the question is needed. */
  anythingRuns(): boolean
  ask(): Promise<'leave' | 'stop' | 'cancel'>
  /** Settles when everything has stopped, or with the reason why not. */
  stopEverything(): Promise<string | null>
  /** Reports why stopping failed: the app stays. */
  tell(reason: string): void
  /** Disconnects from the core. */
  letGo(): Promise<void>
  exit(): void
}

export interface Quit {
  /** A person wants to quit. Asking again while the question is open changes nothing. */
  request(): void
  /** The system or an update ends us: no question, and the services keep running. Idempotent. */
  atOnce(): void
}

/** A logout waits about 20 s before it gives up on an app. */
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
