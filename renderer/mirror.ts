// What the window mirrors: the latest pushed state and where in the window we are. Nothing is decided or guessed here.
import { useRef } from 'react'
import { create } from 'zustand'
import type { AppAction, AppState } from '../electron/contract/app.ts'
import type { Command, Outcome } from '../electron/contract/command.ts'
import type { HistorySample } from '../electron/contract/history.ts'
import type { View } from '../electron/contract/notice.ts'
import type { Snapshot } from '../electron/contract/snapshot.ts'
import { nexus } from './bridge.ts'
import { extendHistory } from './history.ts'
import { isSame } from './is-same.ts'
import { coreLogPlace, glance, type Place, placeOf } from './place.ts'

export interface Mirror extends Place {
  /** null until the main process has said anything. */
  readonly app: AppState | null
  readonly history: readonly HistorySample[]
  /** Why the last command was not accepted; null after one that was. */
  readonly refusal: string | null
}

const useStore = create<Mirror>(() => ({ app: null, history: [], ...placeOf(glance), refusal: null }))

/**
 * A part of the mirror. The component renders again only when that part says something else: `select` may build a new
 * object each time, it is compared by what it says.
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

/** Whoever asks for it, the window or a notification, gets the log that it names. */
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

/** Never throws: what was refused is shown under the headline, and returned. */
export const send = (command: Command): Promise<Outcome> => note(nexus().dispatch(command))

/** One after the other, until one is refused. */
export const sendAll = async (commands: readonly Command[]): Promise<void> => {
  for (const command of commands) if (!(await send(command)).accepted) return
}

/** Never throws, as `send`. */
export const act = (action: AppAction): Promise<Outcome> => note(nexus().act(action))

/** Follows the bridge; the returned function ends that. */
export const connectBridge = (): (() => void) => {
  const bridge = nexus()
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
