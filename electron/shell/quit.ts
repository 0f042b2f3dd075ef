// Ends the app: asks a person once whether to leave the services running; never keeps the system waiting, and then leaves
// them running.
import { spawn } from 'node:child_process'
import type { AppState } from '../contract/app.ts'
import { type Command, type Outcome, stopCommand } from '../contract/command.ts'
import type { ServiceState } from '../contract/snapshot.ts'
import { within } from '../core/base/first-of.ts'
import type { AppStateStore } from './feeds.ts'

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

export type Quit = ReturnType<typeof createQuit>

/** A logout waits about 20 s before it gives up on an app. */
const letGoWithinMs = 3_000

export const createQuit = (parts: QuitParts) => {
  let asking = false
  let letGo: Promise<void> | null = null
  let hasExited = false

  const leave = async (): Promise<void> => {
    letGo ??= parts.letGo().catch(() => {})
    await within(letGo, letGoWithinMs)
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
    /** A person wants to quit. Asking again while the question is open changes nothing. */
    request: () => {
      if (asking || letGo !== null) return
      asking = true
      void decide().finally(() => {
        asking = false
      })
    },
    /** The system or an update ends us: no question, and the services keep running. Idempotent. */
    atOnce: () => void leave(),
  }
}

/** A failed service without a process has nothing to stop. */
const runs = ({ phase, pid }: ServiceState): boolean =>
  phase !== 'stopped' && !(phase === 'failed' && pid === null)

/** Whether a stop would end anything of ours; the RAM disk stays through a stop. */
export const servicesRun = ({ snapshot }: AppState): boolean =>
  snapshot !== null && (runs(snapshot.services.llamaServer) || runs(snapshot.services.proxy))

interface StopEverything {
  readonly state: AppStateStore
  readonly dispatch: (command: Command) => Promise<Outcome>
  readonly deadlineMs: number
}

/** Sends the command and waits until the snapshot confirms it. null when everything has stopped, else why not. */
export const stopEverything = async ({
  state,
  dispatch,
  deadlineMs,
}: StopEverything): Promise<string | null> => {
  // A background core of `nexus up` exits once everything has stopped.
  const owner = state.get().snapshot?.owner
  const endsWithServices = owner?.background === true && owner.user === undefined
  const outcome = await dispatch(stopCommand(null))
  if (!outcome.accepted) return outcome.reason
  const ended = await within(untilStopped(state, endsWithServices), deadlineMs)
  return ended?.failure === null ? null : (ended?.failure ?? 'not everything stopped in time')
}

const untilStopped = (
  state: AppStateStore,
  endsWithServices: boolean,
): Promise<{ readonly failure: string | null }> =>
  new Promise((resolve) => {
    let unsubscribe = () => {}
    const finish = (failure: string | null) => {
      unsubscribe()
      resolve({ failure })
    }
    const look = (present: AppState) => {
      if (present.snapshot !== null && !servicesRun(present)) finish(null)
      if (present.link.kind === 'lost')
        finish(endsWithServices ? null : 'the core went away before everything had stopped')
    }
    unsubscribe = state.subscribe(look)
    look(state.get())
  })

/** Electron took at most a second to quit wherever this was observed. */
const hangsAfterMs = 5_000

/**
 * Runs in its own Node as a child of the app: as long as its parent has the app's pid, that is the app and no other
 * process. The app may be gone before this starts.
 */
const watch = `
const [app, withinMs] = process.argv.slice(1).map(Number)
const endsAt = Date.now() + withinMs
setInterval(() => {
  if (process.ppid !== app) process.exit(0)
  if (Date.now() > endsAt) process.kill(app, 'SIGKILL')
}, 100)`

/**
 * Ends this app if it hangs: it must be gone 5 s from now. On macOS 26.4 Electron's process never exits after showing a
 * window, but loops once Node and its threads are gone (electron/electron#52582), so only another process can end it.
 * `nodePath`: any Node.
 */
export const watchQuit = (nodePath: string, withinMs: number = hangsAfterMs): void => {
  spawn(nodePath, ['-e', watch, String(process.pid), String(withinMs)], {
    stdio: 'ignore',
    detached: true,
    cwd: '/',
  })
    .on('error', () => {
      // Without the watchdog the app quits as well as it can.
    })
    .unref()
}
