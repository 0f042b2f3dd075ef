// Ends this app if it hangs while quitting: on macOS 26.4 Electron's process never exits after showing a window, but loops
// once Node and its threads are gone (electron/electron#52582), so only another process can end it.
import { spawn } from 'node:child_process'

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

/** The app must be gone 5 s from now. `nodePath`: any Node. */
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
