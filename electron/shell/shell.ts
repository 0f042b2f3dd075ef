// The shell put together: the line to the core, and what shows it and commands it on this desktop.

import { join } from 'node:path'
import {
  app,
  BrowserWindow,
  clipboard,
  dialog,
  ipcMain,
  Menu,
  type MenuItemConstructorOptions,
  Notification,
  nativeImage,
  protocol,
  screen,
  session,
  shell,
  Tray,
} from 'electron'
import type { Config, View } from '../contract.ts'
import { defaultConfig } from '../core/config.ts'
import { connectCore } from '../core/connect-core.ts'
import { followConfig } from '../core/follow-config.ts'
import type { HostedCore } from '../core/host-core.ts'
import { ensureStateFolder, type StateFolder } from '../core/state-folder.ts'
import { createActions } from './actions.ts'
import type { AppPaths } from './app-paths.ts'
import { serveApp } from './app-protocol.ts'
import { createAppState } from './app-state.ts'
import { feedChannel } from './channels.ts'
import { createFeeds } from './feeds.ts'
import { serveIpc } from './ipc.ts'
import { readLoginItem } from './login-item.ts'
import { createNotifications } from './notifications.ts'
import { createQuit, type Quit } from './quit.ts'
import { denyPermissions } from './security.ts'
import { startAtFirstCore } from './start-at-launch.ts'
import { servicesRun, stopEverything } from './stop-everything.ts'
import { showNotice } from './system-notification.ts'
import { createTray } from './tray.ts'
import type { TrayChoice } from './tray-menu.ts'
import { type AppWindow, createWindow } from './window.ts'

export interface ShellOptions {
  readonly folder: StateFolder
  readonly paths: AppPaths
  /** Hosts the core in this process; null where that cannot be. */
  readonly host: (() => Promise<HostedCore | null>) | null
}

export interface AppShell {
  readonly quit: Quit
  readonly window: AppWindow
  /** Gives the core back; the services go on. */
  letGo(): Promise<void>
}

export const startShell = ({ folder, paths, host }: ShellOptions): AppShell => {
  ensureStateFolder(folder)
  serveApp(protocol, paths.windowDir)
  if (session.defaultSession !== undefined) denyPermissions(session.defaultSession)
  Menu.setApplicationMenu(Menu.buildFromTemplate(shortcuts(process.platform)))

  const state = createAppState({
    link: { kind: 'connecting' },
    snapshot: null,
    pinned: false,
    openAtLogin: readLoginItem(app, process.platform),
    notificationsRefused: null,
    version: app.getVersion(),
  })
  let config: Config = defaultConfig

  const show = (view: View) => {
    feeds.showView(view)
    window.show()
  }
  const notify = createNotifications({
    show: (notice, onClick) =>
      showNotice(Notification.isSupported() ? (options) => new Notification(options) : null, notice, onClick),
    onView: show,
    onRefused: (reason) => state.update({ notificationsRefused: reason }),
  })
  const link = connectCore({
    folder,
    host,
    onState: (next) => {
      state.update(next)
      // While a core is looked for nothing is known; without one nothing that was said holds any more.
      if (next.snapshot !== null) notify(next.snapshot.notices)
      else if (next.link.kind === 'lost') notify([])
    },
  })
  const feeds = createFeeds(
    {
      state,
      followHistory: (listener) => link.withEachCore((core) => core.watchHistory(listener)),
      followLog: (log, listener) => link.withEachCore((core) => core.followLog(log, listener)),
    },
    (id, value) => window.contents()?.send(feedChannel(id), value),
  )
  const window = createWindow({
    create: (options) => new BrowserWindow(options),
    screen,
    preloadPath: paths.preload,
    memoryPath: join(folder.root, 'window.json'),
    iconBounds: () => tray.bounds(),
    onVisible: (visible) => {
      feeds.setVisible(visible)
      link.setWatched(visible)
    },
    onPageGone: () => feeds.unfollowAll(),
  })
  state.update({ pinned: window.isPinned() })

  const tellRefusal = (reason: string) =>
    void dialog.showMessageBox({ type: 'warning', message: 'Opta Nexus', detail: reason, buttons: ['OK'] })
  const quit = createQuit({
    anythingRuns: () => servicesRun(state.get()),
    ask: askBeforeQuit,
    stopEverything: () =>
      stopEverything({
        state,
        dispatch: link.dispatch,
        deadlineMs: (config.drainSeconds + 2 * config.stopGraceSeconds) * 1000 + 10_000,
      }),
    tell: tellRefusal,
    letGo: () => link.close(),
    exit: () => app.exit(0),
  })
  const act = createActions({
    app,
    platform: process.platform,
    clipboard,
    shell,
    state,
    window: () => window,
    quit: () => quit.request(),
    readSnippet: (name) => link.core().readSnippet(name),
  })

  const choose = async (choice: TrayChoice): Promise<void> => {
    if (choice.type === 'view') return show(choice.view)
    const outcome = choice.type === 'command' ? await link.dispatch(choice.command) : await act(choice.action)
    if (!outcome.accepted) tellRefusal(outcome.reason)
  }
  const tray = createTray({
    create: (image) => new Tray(image),
    loadImage: (path) => nativeImage.createFromPath(path),
    buildMenu: (template) => Menu.buildFromTemplate(template),
    iconsDir: paths.iconsDir,
    platform: process.platform,
    state: state.get,
    onClick: () => window.toggle(),
    onChoice: (choice) => void choose(choice),
  })
  const updateTray = () => tray.update(config.menuBarText)
  state.subscribe(updateTray)
  followConfig(folder, (next) => {
    config = next
    updateTray()
  })
  startAtFirstCore(link, {
    isWanted: () => config.startStackAtLaunch,
    onRefused: tellRefusal,
  })

  serveIpc(ipcMain, {
    window: window.contents,
    feeds,
    dispatch: link.dispatch,
    ask: (query) => link.core().ask(query),
    act,
  })
  return { quit, window, letGo: link.close }
}

/** No menu is to be seen, but its shortcuts count: copy and paste, and on macOS hide and quit. None that reloads. */
const shortcuts = (platform: NodeJS.Platform): MenuItemConstructorOptions[] => [
  // macOS takes the first for the app's own, whatever it is.
  ...(platform === 'darwin' ? [{ role: 'appMenu' } as const] : []),
  { role: 'editMenu' },
]

const askBeforeQuit = async (): Promise<'leave' | 'stop' | 'cancel'> => {
  const answers = ['leave', 'stop', 'cancel'] as const
  // Without a dock icon the question would come up behind whatever is in front.
  app.focus({ steal: true })
  const { response } = await dialog.showMessageBox({
    type: 'question',
    message: 'Quit Opta Nexus?',
    detail: 'AI Engine and Router can go on answering requests without it; nexus status shows them.',
    buttons: ['Leave running', 'Stop everything', 'Cancel'],
    defaultId: 0,
    cancelId: 2,
    noLink: true,
  })
  return answers[response] ?? 'cancel'
}
