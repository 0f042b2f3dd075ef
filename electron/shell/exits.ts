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
}

interface Preventable {
  preventDefault(): void
}

export const connectExits = (
  { quit, window, letGo }: Pick<AppShell, 'quit' | 'window' | 'letGo'>,
  { app, autoUpdater, powerMonitor, process, platform }: ExitSources,
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
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => quit.atOnce())
  powerMonitor.on('shutdown', (event: Preventable) => {
    // Delays the shutdown until we are done (Electron's docs of powerMonitor).
    event.preventDefault()
    quit.atOnce()
  })
}
