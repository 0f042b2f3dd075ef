// Stands in for Electron where the app's main process runs in plain Node (`--import` of this file): as much of it as a start
// with `--hidden` touches. What the icon says goes to the test that forked the process. No window, no icon, no instance lock.
import { EventEmitter } from 'node:events'
import { registerHooks } from 'node:module'

registerHooks({
  resolve: (specifier, context, resolveNext) =>
    specifier === 'electron'
      ? { url: import.meta.url, format: 'module-typescript', shortCircuit: true }
      : resolveNext(specifier, context),
})

const nothing = () => {}

export const app = Object.assign(new EventEmitter(), {
  isPackaged: false,
  commandLine: { hasSwitch: (name: string) => process.argv.includes(`--${name}`) },
  setPath: nothing,
  enableSandbox: nothing,
  requestSingleInstanceLock: () => true,
  whenReady: () => Promise.resolve(),
  getVersion: () => '0.0.0',
  exit: (code: number) => process.exit(code),
})

export const autoUpdater = new EventEmitter()
export const powerMonitor = new EventEmitter()
export const screen = new EventEmitter()

export const protocol = { registerSchemesAsPrivileged: nothing, handle: nothing }
export const session = { defaultSession: undefined }
export const ipcMain = { handle: nothing }
export const nativeImage = { createFromPath: () => ({}) }
export const Menu = { setApplicationMenu: nothing, buildFromTemplate: () => ({}) }
export const Notification = { isSupported: () => false }

/** Only an app that could not start calls it. */
export const dialog = {
  showErrorBox: (title: string, content: string) => process.stderr.write(`${title}: ${content}\n`),
}

export class BrowserWindow extends EventEmitter {
  readonly webContents = Object.assign(new EventEmitter(), { send: nothing })
  setVisibleOnAllWorkspaces() {}
  isDestroyed() {
    return false
  }
  loadURL() {
    return Promise.resolve()
  }
}

export class Tray extends EventEmitter {
  setImage() {}
  setContextMenu() {}
  setToolTip(text: string) {
    process.send?.(text)
  }
}

/** Asked on macOS alone. */
export const powerSaveBlocker = { start: () => 1, stop: nothing }

// Imported by name, and used by nothing that a start does.
export const clipboard = {}
export const shell = {}
