// Whether the window is shown when the app is opened: to a person who did that, not at every login.

/** Of Electron's app what is needed here. */
interface LaunchedApp {
  readonly commandLine: { hasSwitch(name: string): boolean }
  getLoginItemSettings(): { readonly wasOpenedAtLogin: boolean }
}

/**
 * A system may show no icon at all (GNOME without an extension, macOS 26 by a switch), and whoever opens an app looks for
 * it. `--hidden` is for whatever else opens it at login.
 */
export const showsWindowAtLaunch = (app: LaunchedApp, platform: NodeJS.Platform): boolean =>
  !app.commandLine.hasSwitch('hidden') &&
  !(platform === 'darwin' && app.getLoginItemSettings().wasOpenedAtLogin)
