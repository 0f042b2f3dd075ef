// Ends this app if it hangs while it quits: on macOS 26.4 Electron's process never exits once a window was there, in a loop
// after all of Node and its threads are gone (electron/electron#52582), so that only another process can.
import { spawn } from 'node:child_process'

/** Electron took at most a second to quit wherever it was seen to. */
const hangsAfterMs = 5_000

/**
 * Runs in a Node of its own as a child of the app: for as long as its parent has the app's pid, that is the app and no other
 * process. The app may be gone before this begins.
 */
const watch = `
const [app, withinMs] = process.argv.slice(1).map(Number)
const endsAt = Date.now() + withinMs
setInterval(() => {
  if (process.ppid !== app) process.exit(0)
  if (Date.now() > endsAt) process.kill(app, 'SIGKILL')
}, 100)`

/** The app has to be gone within 5 s from now. `nodePath`: any Node. */
export const watchQuit = (nodePath: string, withinMs: number = hangsAfterMs): void => {
  spawn(nodePath, ['-e', watch, String(process.pid), String(withinMs)], {
    stdio: 'ignore',
    detached: true,
    cwd: '/',
  })
    .on('error', () => {
      // Without it the app quits as well as it can.
    })
    .unref()
}
