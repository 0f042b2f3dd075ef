// Connects every event that reopens the window or ends the app to the shell.
import type { EventEmitter } from 'node:events'
import type { Event } from 'electron'
import type { AppShell } from './shell.ts'

/** The event sources: parts of Electron and of this process. */
export interface ExitSources {
  readonly app: EventEmitter
  readonly autoUpdater: EventEmitter
  readonly powerMonitor: EventEmitter
  readonly process: EventEmitter
  readonly platform: NodeJS.Platform
  /** Milliseconds since this process started. */
  readonly uptimeMs: () => number
  /** Makes the system reopen the app once this process has ended. */
  readonly relaunch: () => void
  /** Logs an error of the app itself. */
  readonly logError: (error: unknown) => void
}

/** An app that fails sooner than this would fail again after a relaunch. */
const relaunchAfterMs = 60_000

export const connectExits = (
  { quit, window, letGo }: Pick<AppShell, 'quit' | 'window' | 'letGo'>,
  { app, autoUpdater, powerMonitor, process, platform, uptimeMs, relaunch, logError }: ExitSources,
): void => {
  // The icon may be hidden (macOS 26 can do that to any app), so it is never the only way in.
  app.on('activate', () => window.show())
  app.on('second-instance', () => window.show())
  // Closing the window does not quit.
  app.on('window-all-closed', () => {})

  let updating = false
  app.on('before-quit', (event: Event) => {
    // A running installer ends the app itself, and must not be stopped.
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
  // By default Electron shows a box that blocks this process until someone presses OK (electron/electron
  // lib/browser/init.ts).
  let failing = false
  process.on('uncaughtException', (error: unknown) => {
    logError(error)
    // Each call opens another app (Electron's docs of app.relaunch), and exiting takes long enough for a second failure.
    if (!failing && uptimeMs() > relaunchAfterMs) relaunch()
    failing = true
    quit.atOnce()
  })
  // An unhandled rejection: only that one task is lost.
  process.on('unhandledRejection', (reason: unknown) => logError(reason))
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => quit.atOnce())
  powerMonitor.on('shutdown', (event: Event) => {
    // Delays the shutdown until we are done (Electron's docs of powerMonitor).
    event.preventDefault()
    quit.atOnce()
  })
}
