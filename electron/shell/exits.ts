// Everything that opens the window again or ends the app, tied to the shell.
import type { EventEmitter } from 'node:events'
import { app, autoUpdater, powerMonitor } from 'electron'
import type { AppShell } from './shell.ts'

export const connectExits = ({ quit, window, letGo }: AppShell): void => {
  // The icon may be hidden (macOS 26 can do that to any app): it is never the only door.
  app.on('activate', () => window.show())
  app.on('second-instance', () => window.show())
  // Closing the window is no wish to quit.
  app.on('window-all-closed', () => {})

  let updating = false
  app.on('before-quit', (event) => {
    // An installer that is under way ends the app by itself, and must not be stopped.
    if (updating) return
    event.preventDefault()
    quit.request()
  })
  if (process.platform === 'darwin') {
    // An update emits this instead of before-quit.
    autoUpdater.on('before-quit-for-update', () => {
      updating = true
      window.allowClose()
      void letGo()
    })
  }
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => quit.atOnce())
  const power: EventEmitter = powerMonitor
  power.on('shutdown', (event: { preventDefault(): void }) => {
    // Delays the shutdown until we are done (Electron's docs of powerMonitor).
    event.preventDefault()
    quit.atOnce()
  })
}
