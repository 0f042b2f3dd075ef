// Whether to show the window at launch: yes when a person opened the app, no at login.

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
