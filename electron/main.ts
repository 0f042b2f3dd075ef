// Composition root of the app: single instance, everything before the first window, the shell, and the exits.
import { createWriteStream, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { app, autoUpdater, dialog, powerMonitor, protocol } from 'electron'
import { messageOf } from './core/base/error-message.ts'
import { locateStateFolder } from './core/config/state-folder.ts'
import { logToStderr, openCoreLog } from './core/logs/core-log.ts'
import { locateAppFiles } from './shell/app-paths.ts'
import { registerAppScheme } from './shell/app-protocol.ts'
import { connectExits } from './shell/exits.ts'
import { showsWindowAtLaunch } from './shell/login-item.ts'
import { lockDownContents } from './shell/security.ts'
import { startShell } from './shell/shell.ts'
import { createCoreStarter } from './shell/start-core.ts'

const folder = locateStateFolder(process.env, process.platform, homedir())
const paths = locateAppFiles(__dirname, { isPackaged: app.isPackaged, resourcesPath: process.resourcesPath })

// Electron's single-instance lock is in its data folder, so this means one app per state folder.
const dataDir = join(folder.root, 'app')
mkdirSync(dataDir, { recursive: true, mode: 0o700 })
app.setPath('userData', dataDir)

const start = async (): Promise<void> => {
  // A packaged app has LSUIElement; this is for a start from a clone.
  app.dock?.hide()
  // As root Chromium runs only without its sandbox, which this would turn on again for its children (observed: no window).
  if (!app.commandLine.hasSwitch('no-sandbox')) app.enableSandbox()
  registerAppScheme(protocol)
  lockDownContents(app)
  await app.whenReady()
  const shell = startShell({
    folder,
    paths,
    coreStarter: createCoreStarter({ command: paths.command, folder, env: process.env }),
  })
  connectExits(shell, {
    app,
    autoUpdater,
    powerMonitor,
    process,
    platform: process.platform,
    uptimeMs: () => process.uptime() * 1000,
    // Reopens hidden, as at login: the user did not ask for a window.
    relaunch: () => app.relaunch({ args: [...new Set([...process.argv.slice(1), '--hidden'])] }),
    logError,
  })
  if (showsWindowAtLaunch(app, process.platform)) shell.window.show()
  sayReady(process.env)
}

/** Logs to the core's log, where `nexus logs core` and the window look for errors of Nexus itself. */
const logError = (error: unknown): void => {
  const words = error instanceof Error ? (error.stack ?? error.message) : String(error)
  logToStderr(new Error(words))
  try {
    const log = openCoreLog(folder.logPath('core'))
    log.logError(new Error(`the app failed: ${words}`))
    log.close()
  } catch {
    // If even the log can't be written, there is nowhere left to report it.
  }
}

/** Tells `nexus app` that the app is in the menu bar. NEXUS_READY_FD: a file descriptor that it reads. */
const sayReady = (env: Readonly<Record<string, string | undefined>>): void => {
  const fd = Number(env['NEXUS_READY_FD'])
  // 0 to 2 are the standard streams; a closed descriptor is the other side's problem.
  if (Number.isInteger(fd) && fd > 2)
    createWriteStream('', { fd })
      .on('error', () => {})
      .end('ready\n')
}

/** Without this, an app that failed to start would linger unseen, and every later one would think it is open. */
const giveUp = (error: unknown): void => {
  logError(error)
  dialog.showErrorBox('Opta Nexus could not start', messageOf(error))
  app.exit(1)
}

if (app.requestSingleInstanceLock()) void start().catch(giveUp)
else app.exit(0)
