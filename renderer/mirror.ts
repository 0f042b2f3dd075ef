// The window's state: the latest pushed state, the current place, and what a guest may do (the same rights that the host's
// core checks, applied before a button is drawn). Decides and guesses nothing.
import { useRef } from 'react'
import { create } from 'zustand'
import type { AppAction, AppState } from '../electron/contract/app.ts'
import type { Command, Outcome } from '../electron/contract/command.ts'
import { hostOf, refuseCommand } from '../electron/contract/guest-rights.ts'
import type { HistorySample } from '../electron/contract/history.ts'
import type { View } from '../electron/contract/notice.ts'
import type { Snapshot } from '../electron/contract/snapshot.ts'
import { extendHistory } from './history.ts'
import { isSame } from './is-same.ts'
import { coreLogPlace, glance, type Place, placeOf } from './place.ts'

interface Mirror extends Place {
  /** null until the main process has sent a state. */
  readonly app: AppState | null
  readonly history: readonly HistorySample[]
  /** Why the last command was refused; null after an accepted one. */
  readonly refusal: string | null
}

const useStore = create<Mirror>(() => ({ app: null, history: [], ...placeOf(glance), refusal: null }))

/**
 * A part of the mirror. The component renders again only when that part changes by value: `select` may build a new object
 * each time.
 */
export const useMirror = <T>(select: (mirror: Mirror) => T): T => {
  const last = useRef<{ readonly value: T } | null>(null)
  return useStore((mirror) => {
    const value = select(mirror)
    if (last.current === null || !isSame(last.current.value, value)) last.current = { value }
    return last.current.value
  })
}

/** A part of the snapshot; null while nothing is live. */
export const useSnapshot = <T>(select: (snapshot: Snapshot) => T): T | null =>
  useMirror(({ app }) => (app?.snapshot == null ? null : select(app.snapshot)))

/** Shows a view with the log that it names, for the window or a notification. */
export const showView = (view: View): void => useStore.setState(placeOf(view))

export const showCoreLog = (): void => useStore.setState(coreLogPlace)

export const readView = (): View => useStore.getState().view

export const dismissRefusal = (): void => useStore.setState({ refusal: null })

const note = async (outcome: Promise<Outcome>): Promise<Outcome> => {
  const settled = await outcome.catch((error: unknown): Outcome => {
    const reason = error instanceof Error ? error.message : String(error)
    return { accepted: false, reason }
  })
  useStore.setState({ refusal: settled.accepted ? null : settled.reason })
  return settled
}

/** Never throws: returns a refusal and shows it under the headline. */
export const send = (command: Command): Promise<Outcome> => note(window.nexus.dispatch(command))

/** Sends one after the other, and stops at a refusal. */
export const sendAll = async (commands: readonly Command[]): Promise<void> => {
  for (const command of commands) if (!(await send(command)).accepted) return
}

/** Never throws, like `send`. */
export const act = (action: AppAction): Promise<Outcome> => note(window.nexus.act(action))

/** Follows the bridge; returns the function that stops it. */
export const connectBridge = (): (() => void) => {
  const bridge = window.nexus
  const ends = [
    bridge.onState((app) => useStore.setState({ app })),
    bridge.onHistory((samples) =>
      useStore.setState(({ history }) => ({ history: extendHistory(history, samples) })),
    ),
    bridge.onView(showView),
  ]
  return () => {
    for (const end of ends) end()
  }
}

/** The user who owns this stack, if this app is a guest; null: our own stack, or none. */
export const useHost = (): string | null => useMirror(({ app }) => (app === null ? null : hostOf(app)))

/** Why a guest may not send these commands, in one sentence; null: allowed. */
export const useRefusal = (commands: readonly Command[]): string | null => {
  const host = useHost()
  if (host === null) return null
  return commands.map((command) => refuseCommand(command, host)).find((reason) => reason !== null) ?? null
}
