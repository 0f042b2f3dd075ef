// Assembles the shell: the connection to the core, and the desktop parts that show and command it.
import { join } from 'node:path'
import {
  app,
  BrowserWindow,
  clipboard,
  dialog,
  ipcMain,
  Menu,
  type MenuItemConstructorOptions,
  type MessageBoxOptions,
  Notification,
  nativeImage,
  protocol,
  screen,
  session,
  shell,
  Tray,
} from 'electron'
import type { AppState } from '../contract/app.ts'
import type { Command, Outcome } from '../contract/command.ts'
import type { Config } from '../contract/config.ts'
import { hostOf } from '../contract/guest-rights.ts'
import type { View } from '../contract/notice.ts'
import { messageOf } from '../core/base/error-message.ts'
import { defaultConfig } from '../core/config/config.ts'
import { followConfig } from '../core/config/follow-config.ts'
import { ensureStateFolder, type StateFolder } from '../core/config/state-folder.ts'
import { connectCore } from '../core/control/connect-core.ts'
import { plural } from '../wording/figures.ts'
import { describeWork } from '../wording/room.ts'
import { createActions } from './actions.ts'
import type { AppPaths } from './app-paths.ts'
import { serveApp } from './app-protocol.ts'
import { feedChannel } from './channels.ts'
import { createAppState, createFeeds } from './feeds.ts'
import { serveIpc } from './ipc.ts'
import { readLoginItem } from './login-item.ts'
import { createNotifications, showNotice } from './notifications.ts'
import { createQuit, type Quit, servicesRun, stopEverything, watchQuit } from './quit.ts'
import { denyPermissions } from './security.ts'
import { startAtFirstCore } from './start-at-launch.ts'
import type { CoreStarter } from './start-core.ts'
import { createTray } from './tray.ts'
import { describeInterruption, interrupts, type TrayChoice } from './tray-menu.ts'
import { type AppWindow, createWindow } from './window.ts'

export interface ShellOptions {
  readonly folder: StateFolder
  readonly paths: AppPaths
  readonly coreStarter: CoreStarter
}

export interface AppShell {
  readonly quit: Quit
  readonly window: AppWindow
  /** Disconnects from the core; the services keep running. */
  letGo(): Promise<void>
}

export const startShell = ({ folder, paths, coreStarter }: ShellOptions): AppShell => {
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
  // Notifications of an earlier, perhaps killed, run are outdated or will be shown again. Missing in older Electrons.
  if (typeof Notification.removeAll === 'function') Notification.removeAll()
  const notify = createNotifications({
    show: (notice, listeners) =>
      showNotice(
        Notification.isSupported() ? (options) => new Notification(options) : null,
        notice,
        listeners,
      ),
    onView: show,
    onRefused: (reason) => state.update({ notificationsRefused: reason }),
  })
  state.subscribe(({ link, snapshot }) => {
    // While looking for a core nothing is known; without one, old notices no longer hold.
    if (snapshot !== null) notify(snapshot.notices)
    else if (link.kind === 'lost') notify([])
  })
  const link = connectCore({ folder, start: coreStarter.start, onState: state.update })
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
    frontApp: process.platform === 'darwin' ? { giveBack: () => app.hide(), take: () => app.show() } : null,
    onVisible: (visible) => {
      // The user may have changed it in the system settings meanwhile.
      if (visible) state.update({ openAtLogin: readLoginItem(app, process.platform) })
      feeds.setVisible(visible)
      link.setWatched(visible)
    },
    onPageGone: () => feeds.unfollowAll(),
  })
  state.update({ pinned: window.isPinned() })

  /** The number of the pressed button. Without a dock icon, a dialog would open behind the front window. */
  const ask = (question: MessageBoxOptions): Promise<number> =>
    window.askOver(async (parent) => {
      app.focus({ steal: true })
      return (await dialog.showMessageBox(parent, { noLink: true, ...question })).response
    })
  const tellRefusal = (reason: string) =>
    void ask({ type: 'warning', message: 'Opta Nexus', detail: reason, buttons: ['OK'] })
  const letGo = (): Promise<void> => {
    notify([])
    return link.close()
  }
  const quit = createQuit({
    // Another user's stack keeps running when a guest quits: nothing to ask.
    anythingRuns: () =>
      hostOf(state.get()) === null && (servicesRun(state.get()) || isSettingUp(state.get())),
    ask: async () => (['leave', 'stop', 'cancel'] as const)[await ask(quitQuestion(state.get()))] ?? 'cancel',
    stopEverything: () =>
      stopEverything({
        state,
        dispatch: link.dispatch,
        deadlineMs: (config.drainSeconds + 2 * config.stopGraceSeconds) * 1000 + 10_000,
      }),
    tell: tellRefusal,
    letGo,
    exit: () => {
      const node = coreStarter.nodePath()
      if (process.platform === 'darwin' && node !== null) watchQuit(node)
      app.exit(0)
    },
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

  /** Another user's core has its own settings. */
  const drainLimit = () =>
    hostOf(state.get()) === null ? `within ${plural(config.drainSeconds, 'second')}` : 'in time'
  const command = async (given: Command): Promise<Outcome> => {
    const work = interrupts(given) ? describeInterruption(state.get()) : null
    const isAgreed = work === null || (await ask(stopQuestion(work, drainLimit()))) === 0
    return isAgreed ? link.dispatch(given) : { accepted: true }
  }
  const copyAddress = async (): Promise<Outcome> => {
    clipboard.writeText((await link.core().ask({ type: 'clients' })).baseUrl)
    return { accepted: true }
  }
  const carryOut = (choice: Exclude<TrayChoice, { type: 'view' }>): Promise<Outcome> => {
    switch (choice.type) {
      case 'command':
        return command(choice.command)
      case 'action':
        return act(choice.action)
      case 'copy-address':
        return copyAddress()
    }
  }
  const choose = async (choice: TrayChoice): Promise<void> => {
    if (choice.type === 'view') return show(choice.view)
    const outcome = await carryOut(choice).catch(
      (error: unknown): Outcome => ({
        accepted: false,
        reason: messageOf(error),
      }),
    )
    if (!outcome.accepted) tellRefusal(outcome.reason)
  }
  const tray = createTray({
    loadImage: (path) => nativeImage.createFromPath(path),
    buildMenu: (template) => Menu.buildFromTemplate(template),
    create: (image) => new Tray(image),
    iconsDir: paths.iconsDir,
    platform: process.platform,
    state: state.get,
    onClick: (icon) => window.toggle(icon),
    onChoice: (choice) => void choose(choice),
  })
  const updateTray = () => tray.update(config.menuBarText)
  state.subscribe(updateTray)
  followConfig(folder, (next) => {
    config = next
    updateTray()
  })
  startAtFirstCore(link, {
    // The setting is about the user's own stack.
    isWanted: () => config.startStackAtLaunch && hostOf(state.get()) === null,
    onRefused: tellRefusal,
  })

  serveIpc(ipcMain, {
    window: window.contents,
    feeds,
    dispatch: link.dispatch,
    ask: (query) => link.core().ask(query),
    act,
  })
  return { quit, window, letGo }
}

/** The menu is invisible, but its shortcuts work: copy and paste, and on macOS hide and quit. No reload. */
const shortcuts = (platform: NodeJS.Platform): MenuItemConstructorOptions[] => [
  // macOS uses the first menu as the app menu, whatever it is.
  ...(platform === 'darwin' ? [{ role: 'appMenu' } as const] : []),
  { role: 'editMenu' },
  { role: 'fileMenu', submenu: [{ role: 'close' }] },
]

const isSettingUp = ({ snapshot }: AppState): boolean => snapshot?.setUp?.running != null

const quitQuestion = (state: AppState): MessageBoxOptions => {
  const work = isSettingUp(state)
    ? 'Parts are being installed; the stack starts after that.'
    : describeWork(state.snapshot)
  return {
    type: 'question',
    message: 'Quit Opta Nexus?',
    detail: `${work === null ? '' : `${work} `}Everything can keep running without the app; nexus status shows it.`,
    buttons: ['Leave running', 'Stop everything', 'Cancel'],
    defaultId: 0,
    cancelId: 2,
  }
}

const stopQuestion = (work: string, limit: string): MessageBoxOptions => ({
  type: 'question',
  message: 'Stop anyway?',
  detail: `${work} Requests that don’t finish ${limit} are cut off.`,
  buttons: ['Stop', 'Cancel'],
  defaultId: 1,
  cancelId: 1,
})
