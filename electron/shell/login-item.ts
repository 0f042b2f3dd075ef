// Opening at login: whether the app does, according to the system and not to our request, and whether it just did.
import type { AppState } from '../contract/app.ts'

/** The part of Electron's app used here. */
export interface LoginItemApp {
  readonly isPackaged: boolean
  getLoginItemSettings(): { readonly openAtLogin: boolean; readonly status: string }
  setLoginItemSettings(settings: { readonly openAtLogin: boolean }): void
}

export const readLoginItem = (app: LoginItemApp, platform: NodeJS.Platform): AppState['openAtLogin'] => {
  // Unpackaged, the login item would open Electron itself; Electron has no login items for Linux.
  if (platform !== 'darwin' || !app.isPackaged) return 'unavailable'
  const { openAtLogin, status } = app.getLoginItemSettings()
  if (status === 'requires-approval') return 'requires-approval'
  return openAtLogin ? 'on' : 'off'
}

/** Returns why it is impossible; null after asking the system. */
export const setLoginItem = (
  app: LoginItemApp,
  platform: NodeJS.Platform,
  openAtLogin: boolean,
): string | null => {
  if (readLoginItem(app, platform) === 'unavailable') {
    return platform === 'darwin'
      ? 'only the installed app can open at login'
      : 'nexus service install starts the core at login here'
  }
  app.setLoginItemSettings({ openAtLogin })
  return null
}

/** The part of Electron's app used here. */
interface LaunchedApp {
  readonly commandLine: { hasSwitch(name: string): boolean }
  getLoginItemSettings(): { readonly wasOpenedAtLogin: boolean }
}

/**
 * A system may show no icon at all (GNOME without an extension, macOS 26 by a switch), and a person who opens an app expects
 * to see it. `--hidden` is for other programs that open it at login.
 */
export const showsWindowAtLaunch = (app: LaunchedApp, platform: NodeJS.Platform): boolean =>
  !app.commandLine.hasSwitch('hidden') &&
  !(platform === 'darwin' && app.getLoginItemSettings().wasOpenedAtLogin)
