// Everything that opens the window again or ends the app, tied to the shell.
import type { EventEmitter } from 'node:events'
import type { AppShell } from './shell.ts'

/** What tells of them: parts of Electron and of this process. */
export interface ExitSources {
  readonly app: EventEmitter
  readonly autoUpdater: EventEmitter
  readonly powerMonitor: EventEmitter
  readonly process: EventEmitter
  readonly platform: NodeJS.Platform
  /** Milliseconds since this process began. */
  readonly uptimeMs: () => number
  /** Has the system open the app anew once this process has ended. */
  readonly relaunch: () => void
  /** Writes down what went wrong in the app itself. */
  readonly logError: (error: unknown) => void
}

/** An app that fails sooner than this would only fail again. */
const relaunchAfterMs = 60_000

interface Preventable {
  preventDefault(): void
}

export const connectExits = (
  { quit, window, letGo }: Pick<AppShell, 'quit' | 'window' | 'letGo'>,
  { app, autoUpdater, powerMonitor, process, platform, uptimeMs, relaunch, logError }: ExitSources,
): void => {
  // The icon may be hidden (macOS 26 can do that to any app): it is never the only door.
  app.on('activate', () => window.show())
  app.on('second-instance', () => window.show())
  // Closing the window is no wish to quit.
  app.on('window-all-closed', () => {})

  let updating = false
  app.on('before-quit', (event: Preventable) => {
    // An installer that is under way ends the app by itself, and must not be stopped.
    if (updating) return
    event.preventDefault()
    quit.request()
  })
  if (platform === 'darwin') {
    // An update emits this instead of before-quit.
    autoUpdater.on('before-quit-for-update', () => {
      updating = true
      window.allowClose()
      void letGo()
    })
  }
  // Electron's own answer is a box that stops this process until somebody presses OK (electron/electron
  // lib/browser/init.ts).
  let failing = false
  process.on('uncaughtException', (error: unknown) => {
    logError(error)
    // Each call opens one more (Electron's docs of app.relaunch), and leaving takes long enough for a second failure.
    if (!failing && uptimeMs() > relaunchAfterMs) relaunch()
    failing = true
    quit.atOnce()
  })
  // A promise that nobody waited for has failed: what it was for is lost, the rest is whole.
  process.on('unhandledRejection', (reason: unknown) => logError(reason))
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => quit.atOnce())
  powerMonitor.on('shutdown', (event: Preventable) => {
    // Delays the shutdown until we are done (Electron's docs of powerMonitor).
    event.preventDefault()
    quit.atOnce()
  })
}
