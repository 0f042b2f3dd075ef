// The only window: created once and hidden, shown under the icon, or pinned as a resizable window that stays on top.
import type { EventEmitter } from 'node:events'
import type { BrowserWindow, BrowserWindowConstructorOptions, Event, Rectangle } from 'electron'
import { z } from 'zod'
import { messageOf } from '../core/base/error-message.ts'
import { readRecord } from '../core/base/json-record.ts'
import { writePrivateFile } from '../core/base/private-file.ts'
import { logToStderr } from '../core/logs/core-log.ts'
import { windowUrl } from './app-protocol.ts'
import { clampToScreen, placeWindow } from './window-place.ts'

/** The part of Electron's BrowserWindow used here. */
export interface SystemWindow extends EventEmitter {
  readonly webContents: EventEmitter & { isDevToolsOpened(): boolean }
  loadURL(url: string): Promise<void>
  show(): void
  hide(): void
  focus(): void
  isVisible(): boolean
  isFocused(): boolean
  isDestroyed(): boolean
  getBounds(): Rectangle
  setBounds(bounds: Rectangle): void
  setAlwaysOnTop(onTop: boolean): void
  setMovable(movable: boolean): void
  setResizable(resizable: boolean): void
  setVisibleOnAllWorkspaces(
    visible: boolean,
    options: { readonly visibleOnFullScreen: boolean; readonly skipTransformProcessType: boolean },
  ): void
}

interface Display {
  readonly bounds: Rectangle
  readonly workArea: Rectangle
}

/** The part of Electron's screen used here. */
export interface SystemScreen extends EventEmitter {
  getPrimaryDisplay(): Display
  getDisplayMatching(place: Rectangle): Display
}

export interface AppWindow<Window extends SystemWindow = BrowserWindow> {
  contents(): Window['webContents'] | null
  isVisible(): boolean
  show(): void
  hide(): void
  /** The icon was clicked, at this place (null: unknown). */
  toggle(icon: Rectangle | null): void
  isPinned(): boolean
  setPinned(pinned: boolean): void
  /**
   * Shows the window with a dialog over it, and keeps it open meanwhile. On macOS a dialog without a window would block the
   * whole process until someone answers (electron/electron#23319).
   */
  askOver<T>(ask: (parent: Window) => Promise<T>): Promise<T>
  /** From now on, closing the window really closes it. */
  allowClose(): void
}

export interface WindowOptions<Window extends SystemWindow> {
  readonly create: (options: BrowserWindowConstructorOptions) => Window
  readonly screen: SystemScreen
  readonly preloadPath: string
  /** The file that remembers the pinned window's place. */
  readonly memoryPath: string
  /** The icon's place; null without one. */
  readonly iconBounds: () => Rectangle | null
  readonly onVisible: (visible: boolean) => void
  /** macOS: the app of a hidden window stays in front, and keys go nowhere until a click (menubar, issue 153). */
  readonly frontApp: { giveBack(): void; take(): void } | null
  /** The page reloads: its subscriptions are over. */
  readonly onPageGone: () => void
}

const panelSize = { width: 420, height: 800 }
const pinnedSize = { width: 900, height: 760 }

/** A click on the icon first takes the focus away; hiding at once would make that click reopen the window. */
const blurHideMs = 100
/** A click on the icon this soon after a blur has hidden the window was meant to hide it (menubar, issue 274). */
const blurClickMs = 400

/** A drag reports every pixel: only its end is saved. */
const rememberAfterMs = 500
/** When displays change, the system moves windows by itself: those places are not the user's choice. */
const displaySettlesMs = 2_000

/** A page that keeps crashing must not keep the processor busy. */
const reloadAfterMs = 1_000

const RectangleSchema = z.object({ x: z.number(), y: z.number(), width: z.number(), height: z.number() })
const MemorySchema = z.object({ pinned: z.boolean(), bounds: RectangleSchema.nullable() })

const isSameRectangle = (one: Rectangle, other: Rectangle): boolean =>
  one.x === other.x && one.y === other.y && one.width === other.width && one.height === other.height

export const createWindow = <Window extends SystemWindow>(
  options: WindowOptions<Window>,
): AppWindow<Window> => {
  const { screen, memoryPath } = options
  const memory = readRecord(memoryPath, MemorySchema) ?? { pinned: false, bounds: null }
  let pinned = memory.pinned
  let pinnedBounds: Rectangle | null = memory.bounds
  let closable = false
  let hiddenByBlurAt = 0
  let questions = 0

  const window = options.create({
    ...panelSize,
    show: false,
    frame: false,
    resizable: pinned,
    minimizable: false,
    maximizable: false,
    fullscreenable: false,
    skipTaskbar: true,
    title: 'Opta Nexus',
    minWidth: 340,
    minHeight: 320,
    webPreferences: {
      preload: options.preloadPath,
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      nodeIntegrationInSubFrames: false,
      nodeIntegrationInWorker: false,
      webSecurity: true,
      webviewTag: false,
      spellcheck: false,
    },
  })
  const contents = window.webContents
  // Without skipTransformProcessType each call briefly hides window and dock (Electron's docs of this method).
  window.setVisibleOnAllWorkspaces(true, { visibleOnFullScreen: true, skipTransformProcessType: true })

  const remember = () => {
    try {
      writePrivateFile(memoryPath, JSON.stringify({ pinned, bounds: pinnedBounds }))
    } catch (error) {
      // A full disk must not end the app.
      logToStderr(new Error(`could not save the window's place: ${messageOf(error)}`))
    }
  }

  const place = (icon: Rectangle | null): Rectangle => {
    if (pinned) {
      const wanted = pinnedBounds ?? { ...placeWindow(pinnedSize, null, screen.getPrimaryDisplay()) }
      return clampToScreen(wanted, screen.getDisplayMatching(wanted).workArea)
    }
    const display =
      icon !== null && icon.width > 0 ? screen.getDisplayMatching(icon) : screen.getPrimaryDisplay()
    return placeWindow(panelSize, icon, display)
  }

  /** Where we put it, as far as the system allowed. */
  let placed: Rectangle | null = null
  const put = (icon: Rectangle | null) => {
    window.setBounds(place(icon))
    placed = window.getBounds()
  }

  const show = (icon = options.iconBounds()) => {
    options.frontApp?.take()
    window.setAlwaysOnTop(pinned)
    window.setResizable(pinned)
    // The pinned window is dragged by its headline; under the icon it doesn't move.
    window.setMovable(pinned)
    put(icon)
    window.show()
    window.focus()
  }
  const hide = () => {
    const isInFront = window.isFocused()
    window.hide()
    if (isInFront) options.frontApp?.giveBack()
  }

  window.on('show', () => options.onVisible(true))
  window.on('hide', () => options.onVisible(false))
  window.on('close', (event: Event) => {
    if (closable) return
    event.preventDefault()
    hide()
  })
  window.on('blur', () => {
    if (pinned || contents.isDevToolsOpened()) return
    setTimeout(() => {
      if (window.isDestroyed() || window.isFocused() || pinned || !window.isVisible()) return
      if (questions > 0) return
      hiddenByBlurAt = Date.now()
      hide()
    }, blurHideMs)
  })
  let remembering: NodeJS.Timeout | null = null
  const forgetMove = () => {
    if (remembering !== null) clearTimeout(remembering)
    remembering = null
  }
  /** Saves where the user moved the pinned window, but not our own placement. */
  const endMove = () => {
    if (remembering === null || window.isDestroyed()) return
    forgetMove()
    const bounds = window.getBounds()
    if (placed !== null && isSameRectangle(bounds, placed)) return
    pinnedBounds = bounds
    remember()
  }
  let displaysSettledAt = 0
  const noteBounds = () => {
    if (!pinned || !window.isVisible() || Date.now() < displaysSettledAt) return
    forgetMove()
    remembering = setTimeout(endMove, rememberAfterMs)
  }
  // Before it is shown again at its new place.
  window.on('hide', endMove)
  window.on('resize', noteBounds)
  window.on('move', noteBounds)
  const placeAgain = () => {
    displaysSettledAt = Date.now() + displaySettlesMs
    forgetMove()
    if (window.isVisible()) put(options.iconBounds())
  }
  screen.on('display-metrics-changed', placeAgain)
  screen.on('display-added', placeAgain)
  screen.on('display-removed', placeAgain)

  const load = () => {
    if (window.isDestroyed()) return
    window
      .loadURL(windowUrl)
      .catch((error: unknown) => logToStderr(new Error(`the window did not load: ${messageOf(error)}`)))
  }
  contents.on('did-start-loading', options.onPageGone)
  contents.on('render-process-gone', () => setTimeout(load, reloadAfterMs))
  load()

  return {
    contents: () => (window.isDestroyed() ? null : contents),
    isVisible: () => window.isVisible(),
    show: () => show(),
    hide,
    toggle: (icon) => {
      if (window.isVisible()) hide()
      else if (Date.now() - hiddenByBlurAt > blurClickMs) show(icon)
    },
    isPinned: () => pinned,
    setPinned: (next) => {
      if (next === pinned) return
      endMove()
      pinned = next
      remember()
      if (window.isVisible()) show()
    },
    askOver: async (ask) => {
      questions += 1
      try {
        show()
        return await ask(window)
      } finally {
        questions -= 1
      }
    },
    allowClose: () => {
      closable = true
    },
  }
}
