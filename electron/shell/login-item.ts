// Whether the app opens at login, as the system says it, not as we asked.
import type { AppState } from '../contract/app.ts'

/** Of Electron's app what is needed here. */
export interface LoginItemApp {
  readonly isPackaged: boolean
  getLoginItemSettings(): { readonly openAtLogin: boolean; readonly status: string }
  setLoginItemSettings(settings: { readonly openAtLogin: boolean }): void
}

export const readLoginItem = (app: LoginItemApp, platform: NodeJS.Platform): AppState['openAtLogin'] => {
  // Unpackaged it would be Electron itself that is opened; Electron has no login items for Linux.
  if (platform !== 'darwin' || !app.isPackaged) return 'unavailable'
  const { openAtLogin, status } = app.getLoginItemSettings()
  if (status === 'requires-approval') return 'requires-approval'
  return openAtLogin ? 'on' : 'off'
}

/** Answers why it cannot be; null when the system was asked. */
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
