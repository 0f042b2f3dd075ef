// How the window behaves towards the system: a stand-in for Electron's, since no test machine has a menu bar to click on.
import { EventEmitter } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BrowserWindowConstructorOptions, Rectangle } from 'electron'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { windowUrl } from './app-protocol.ts'
import { createWindow, type SystemWindow } from './window.ts'

const large = {
  bounds: { x: 0, y: 0, width: 1600, height: 1200 },
  workArea: { x: 0, y: 24, width: 1600, height: 1176 },
}
const second = {
  bounds: { x: 1600, y: 0, width: 1440, height: 900 },
  workArea: { x: 1600, y: 24, width: 1440, height: 876 },
}
const icon = { x: 1000, y: 0, width: 30, height: 24 }
const underIcon = { x: 805, y: 32, width: 420, height: 800 }
const byHand = { x: 100, y: 120, width: 1000, height: 700 }

let dir: string
let memoryPath: string

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nexus-window-'))
  memoryPath = join(dir, 'window.json')
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
  rmSync(dir, { recursive: true, force: true })
})

/** A window as the system keeps it: seen or not, in front or not, somewhere. */
const createSystemWindow = (done: string[]) => {
  const page = Object.assign(new EventEmitter(), { isDevToolsOpened: (): boolean => false })
  const events = new EventEmitter()
  const shown = { visible: false, focused: false, bounds: { x: 0, y: 0, width: 0, height: 0 } }
  const setVisible = (visible: boolean) => {
    if (shown.visible === visible) return
    shown.visible = visible
    events.emit(visible ? 'show' : 'hide')
  }
  const window: SystemWindow & { readonly webContents: typeof page } = Object.assign(events, {
    webContents: page,
    loadURL: async (url: string) => void done.push(`load ${url}`),
    show: () => setVisible(true),
    hide: () => {
      shown.focused = false
      setVisible(false)
    },
    focus: () => {
      shown.focused = true
    },
    isVisible: () => shown.visible,
    isFocused: () => shown.focused,
    isDestroyed: () => false,
    getBounds: () => shown.bounds,
    setBounds: (bounds: Rectangle) => {
      shown.bounds = bounds
    },
    setAlwaysOnTop: (onTop: boolean) => void done.push(`on top ${onTop}`),
    setMovable: (movable: boolean) => void done.push(`movable ${movable}`),
    setResizable: (resizable: boolean) => void done.push(`resizable ${resizable}`),
    setVisibleOnAllWorkspaces: (visible: boolean, options: object) =>
      void done.push(`all workspaces ${visible} ${JSON.stringify(options)}`),
  })
  return { window, page, shown }
}

const setUp = ({ isMac = true, memory = null }: { isMac?: boolean; memory?: object | null } = {}) => {
  if (memory !== null) writeFileSync(memoryPath, JSON.stringify(memory))
  const done: string[] = []
  const made: BrowserWindowConstructorOptions[] = []
  const { window, page, shown } = createSystemWindow(done)
  const displays = { primary: large, matching: large, icon }
  const screen = Object.assign(new EventEmitter(), {
    getPrimaryDisplay: () => displays.primary,
    getDisplayMatching: () => displays.matching,
  })
  const appWindow = createWindow({
    create: (options) => {
      made.push(options)
      return window
    },
    screen,
    preloadPath: '/app/preload.js',
    memoryPath,
    iconBounds: () => displays.icon,
    onVisible: (visible) => void done.push(`visible ${visible}`),
    frontApp: isMac
      ? { giveBack: () => void done.push('give back'), take: () => void done.push('take') }
      : null,
    onPageGone: () => void done.push('page gone'),
  })
  /** What was done since it was asked last. */
  const news = () => done.splice(0)
  /** The person turns to something else. */
  const blur = () => {
    shown.focused = false
    window.emit('blur')
  }
  /** The person drags it there. */
  const drag = (bounds: Rectangle) => {
    shown.bounds = bounds
    window.emit('move')
  }
  return { appWindow, window, page, screen, displays, shown, made, news, blur, drag }
}

const pinned = { pinned: true, bounds: null }
const remembered = (): unknown => JSON.parse(readFileSync(memoryPath, 'utf8'))

describe('the window', () => {
  it('is made hidden and locked: no Node, a sandbox, and nothing between page and app but the preload script', () => {
    const { made, appWindow } = setUp()
    expect(made).toHaveLength(1)
    expect(made[0]).toMatchObject({ show: false, frame: false, resizable: false, fullscreenable: false })
    expect(made[0]?.webPreferences).toEqual({
      preload: '/app/preload.js',
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      nodeIntegrationInSubFrames: false,
      nodeIntegrationInWorker: false,
      webSecurity: true,
      webviewTag: false,
      spellcheck: false,
    })
    expect(appWindow.isVisible()).toBe(false)
  })

  it('is on every space and over full screens, without the process changing its kind for that', () => {
    expect(setUp().news()).toEqual([
      'all workspaces true {"visibleOnFullScreen":true,"skipTransformProcessType":true}',
      `load ${windowUrl}`,
    ])
  })

  it('under its icon is not on top, not resized and not moved; pinned it is all of these', () => {
    const { appWindow, news } = setUp({ isMac: false })
    news()
    appWindow.show()
    expect(news()).toEqual(['on top false', 'resizable false', 'movable false', 'visible true'])
    appWindow.setPinned(true)
    expect(news()).toEqual(['on top true', 'resizable true', 'movable true'])
    appWindow.setPinned(false)
    expect(news()).toEqual(['on top false', 'resizable false', 'movable false'])
  })

  it('is hidden, not closed, by being closed, until closing is allowed', () => {
    const { appWindow, window } = setUp()
    const close = () => {
      const event = { defaultPrevented: false, preventDefault: () => {} }
      event.preventDefault = () => {
        event.defaultPrevented = true
      }
      window.emit('close', event)
      return event.defaultPrevented
    }
    appWindow.show()
    expect(close()).toBe(true)
    expect(appWindow.isVisible()).toBe(false)
    appWindow.allowClose()
    expect(close()).toBe(false)
  })

  it('loads its page anew after a crash, a while later', () => {
    const { page, news } = setUp()
    news()
    page.emit('render-process-gone')
    expect(news()).toEqual([])
    vi.advanceTimersByTime(1_000)
    expect(news()).toEqual([`load ${windowUrl}`])
    page.emit('did-start-loading')
    expect(news()).toEqual(['page gone'])
  })
})

describe('a click on the icon', () => {
  it('shows the window in front, under that icon, and the next one hides it', () => {
    const { appWindow, shown } = setUp()
    appWindow.toggle(icon)
    expect(shown).toEqual({ visible: true, focused: true, bounds: underIcon })
    appWindow.toggle(icon)
    expect(shown.visible).toBe(false)
  })

  it('shows it under the icon that was clicked, on that one’s display', () => {
    const { appWindow, displays, shown } = setUp()
    displays.matching = second
    appWindow.toggle({ ...icon, x: 2000 })
    expect(shown.bounds).toEqual({ ...underIcon, x: 1805 })
  })

  it.each([
    ['of no known place', null],
    ['that Linux puts nowhere', { x: 0, y: 0, width: 0, height: 0 }],
  ])('%s shows it at the top right of the first display', (_which, place) => {
    const { appWindow, displays, shown } = setUp()
    displays.matching = second
    appWindow.toggle(place)
    expect(shown.bounds).toEqual({ x: 1600 - 8 - 420, y: 32, width: 420, height: 800 })
  })

  it('hides it when the click itself took the focus away first, however long the button is held', () => {
    const quick = setUp()
    quick.appWindow.show()
    quick.blur()
    vi.advanceTimersByTime(50)
    quick.appWindow.toggle(icon)
    vi.advanceTimersByTime(1_000)
    expect(quick.appWindow.isVisible()).toBe(false)
    const held = setUp()
    held.appWindow.show()
    held.blur()
    vi.advanceTimersByTime(100 + 400)
    held.appWindow.toggle(icon)
    expect(held.appWindow.isVisible()).toBe(false)
  })

  it('shows it again a moment after a blur has hidden it', () => {
    const { appWindow, blur } = setUp()
    appWindow.show()
    blur()
    vi.advanceTimersByTime(100 + 401)
    appWindow.toggle(icon)
    expect(appWindow.isVisible()).toBe(true)
  })

  it('shows it at once after anything but a blur has hidden it', () => {
    const { appWindow } = setUp()
    appWindow.show()
    appWindow.hide()
    appWindow.toggle(icon)
    expect(appWindow.isVisible()).toBe(true)
  })
})

describe('losing the focus', () => {
  it('hides the window, but not at once', () => {
    const { appWindow, blur } = setUp()
    appWindow.show()
    blur()
    vi.advanceTimersByTime(99)
    expect(appWindow.isVisible()).toBe(true)
    vi.advanceTimersByTime(1)
    expect(appWindow.isVisible()).toBe(false)
  })

  it('does not hide it when it is pinned, also when it was pinned just then', () => {
    const standing = setUp({ memory: pinned })
    standing.appWindow.show()
    standing.blur()
    vi.advanceTimersByTime(1_000)
    expect(standing.appWindow.isVisible()).toBe(true)
    rmSync(memoryPath)
    const { appWindow, blur, shown } = setUp()
    appWindow.show()
    blur()
    appWindow.setPinned(true)
    shown.focused = false
    vi.advanceTimersByTime(1_000)
    expect(appWindow.isVisible()).toBe(true)
  })

  it('does not hide it when the focus comes back, or the developer tools have it', () => {
    const back = setUp()
    back.appWindow.show()
    back.blur()
    back.window.focus()
    vi.advanceTimersByTime(1_000)
    expect(back.appWindow.isVisible()).toBe(true)
    const tools = setUp()
    tools.appWindow.show()
    tools.page.isDevToolsOpened = () => true
    tools.blur()
    vi.advanceTimersByTime(1_000)
    expect(tools.appWindow.isVisible()).toBe(true)
  })

  it('does not hide it while a question stands over it, and does so again once that is answered', async () => {
    const { appWindow, window, blur } = setUp()
    let answer = (_words: string) => {}
    const asked = appWindow.askOver(
      (parent) =>
        new Promise<string>((resolve) => {
          expect(parent).toBe(window)
          expect(parent.isVisible()).toBe(true)
          answer = resolve
        }),
    )
    blur()
    vi.advanceTimersByTime(1_000)
    expect(appWindow.isVisible()).toBe(true)
    answer('leave')
    expect(await asked).toBe('leave')
    blur()
    vi.advanceTimersByTime(1_000)
    expect(appWindow.isVisible()).toBe(false)
  })

  it('hides it again also after a question has failed', async () => {
    const { appWindow, blur } = setUp()
    await expect(appWindow.askOver(() => Promise.reject(new Error('no answer')))).rejects.toThrow('no answer')
    blur()
    vi.advanceTimersByTime(1_000)
    expect(appWindow.isVisible()).toBe(false)
  })
})

describe('the keyboard on macOS', () => {
  it('is taken when the window is shown and given back to the app before when it is hidden', () => {
    const { appWindow, news } = setUp()
    news()
    appWindow.show()
    expect(news()[0]).toBe('take')
    appWindow.hide()
    expect(news()).toEqual(['visible false', 'give back'])
  })

  it('stays where the person has put it when they turned away', () => {
    const { appWindow, blur, news } = setUp()
    appWindow.show()
    news()
    blur()
    vi.advanceTimersByTime(100)
    expect(news()).toEqual(['visible false'])
  })
})

describe('when a display comes, goes or changes', () => {
  it.each(['display-metrics-changed', 'display-added', 'display-removed'])(
    '%s: a visible window is placed under its icon again',
    (change) => {
      const { appWindow, screen, displays, shown } = setUp()
      appWindow.show()
      displays.icon = { ...icon, x: 600 }
      screen.emit(change)
      expect(shown.bounds).toEqual({ ...underIcon, x: 405 })
    },
  )

  it('a hidden window is left where it is: it is placed when it is shown', () => {
    const { screen, shown } = setUp()
    screen.emit('display-removed')
    expect(shown.bounds.width).toBe(0)
  })

  it('a pinned window is brought back onto a screen, and its place on the one that is gone is kept', () => {
    const { appWindow, screen, displays, shown, drag } = setUp({ memory: pinned })
    appWindow.show()
    const there = { x: 1900, y: 100, width: 900, height: 700 }
    displays.matching = second
    drag(there)
    vi.advanceTimersByTime(500)
    displays.matching = large
    screen.emit('display-removed')
    expect(shown.bounds).toEqual({ ...there, x: 700 })
    // The system moves windows by itself then.
    drag({ ...there, x: 300 })
    vi.advanceTimersByTime(1_999)
    expect(remembered()).toEqual({ pinned: true, bounds: there })
    displays.matching = second
    screen.emit('display-added')
    expect(shown.bounds).toEqual(there)
  })

  it('a drag that had not ended is no wish any more', () => {
    const { appWindow, screen, drag } = setUp({ memory: pinned })
    appWindow.show()
    drag(byHand)
    screen.emit('display-removed')
    drag({ ...byHand, x: 200 })
    vi.advanceTimersByTime(500)
    expect(remembered()).toEqual(pinned)
  })

  it('what a person does later counts again', () => {
    const { appWindow, screen, drag } = setUp({ memory: pinned })
    appWindow.show()
    screen.emit('display-added')
    vi.advanceTimersByTime(2_000)
    drag(byHand)
    vi.advanceTimersByTime(500)
    expect(remembered()).toEqual({ pinned: true, bounds: byHand })
  })
})

describe('the pinned window', () => {
  it('is where it was before, also after a restart', () => {
    const { appWindow, drag } = setUp({ memory: pinned })
    expect(appWindow.isPinned()).toBe(true)
    appWindow.show()
    drag(byHand)
    vi.advanceTimersByTime(500)
    const next = setUp()
    expect(next.made[0]?.resizable).toBe(true)
    next.appWindow.show()
    expect(next.shown.bounds).toEqual(byHand)
  })

  it('is remembered where a drag ends, or was when it was hidden or unpinned', () => {
    const { appWindow, drag } = setUp({ memory: pinned })
    appWindow.show()
    drag({ ...byHand, x: 10 })
    vi.advanceTimersByTime(499)
    drag(byHand)
    vi.advanceTimersByTime(499)
    expect(remembered()).toEqual(pinned)
    appWindow.hide()
    expect(remembered()).toEqual({ pinned: true, bounds: byHand })
    appWindow.show()
    drag({ ...byHand, x: 200 })
    appWindow.setPinned(false)
    expect(remembered()).toEqual({ pinned: false, bounds: { ...byHand, x: 200 } })
  })

  it('takes no place over that it was put to, nor one of the window under the icon', () => {
    const { appWindow, window, drag } = setUp()
    appWindow.show()
    drag(byHand)
    vi.advanceTimersByTime(500)
    appWindow.setPinned(true)
    window.emit('move')
    window.emit('resize')
    vi.advanceTimersByTime(500)
    expect(remembered()).toEqual({ pinned: true, bounds: null })
  })

  it('goes on when its place cannot be written down', () => {
    const { appWindow } = setUp()
    rmSync(dir, { recursive: true })
    appWindow.setPinned(true)
    expect(appWindow.isPinned()).toBe(true)
  })
})
