// Test support: the real app in a real Electron on a desktop without a screen, driven from outside.
import type { ChildProcess } from 'node:child_process'
import { type ElectronApplication, _electron as electron, type Page } from 'playwright'
import type { AppState, Bridge } from '../electron/contract/app.ts'
import { type Desktop, electronFlags } from './desktop.ts'

/** In the window, where the functions given to `page.evaluate` run. */
declare const nexus: Bridge

export interface OpenedApp {
  readonly electron: ElectronApplication
  readonly page: Page
  readonly process: ChildProcess
  /** What the app and its window's console said so far. */
  said(): string
  /** What the bridge says now. */
  state(): Promise<AppState>
  /** Settles with the first state that fits; rejects with the last one when `timeoutMs` pass first. */
  until(fits: (state: AppState) => boolean, timeoutMs: number): Promise<AppState>
  isVisible(): Promise<boolean>
  /** Settles once an element of that tag shows that text. */
  untilShown(tag: string, text: string): Promise<void>
  /** Settles once the navigation says that it is at that view. */
  untilCurrent(view: string): Promise<void>
  /** A click of the mouse on the button with that text, once it is there. */
  press(text: string): Promise<void>
  /** As a click on the icon or a second launch does it. */
  emit(event: 'activate' | 'second-instance'): Promise<void>
  /**
   * Lays hold of the icon, which no desktop without a panel shows, at the next change of its tooltip: its events can then
   * be emitted, and the menu that it opens is kept instead of drawn.
   */
  catchTray(): Promise<void>
  clickTray(button: 'click' | 'right-click'): Promise<void>
  /** The labels of the menu that was opened last. */
  menu(): Promise<readonly string[]>
  choose(label: string): Promise<void>
  tooltip(): Promise<string | null>
  /** What the person will answer to the next questions: an index into their buttons. */
  answerQuestions(button: number): Promise<void>
  /** What was asked since `answerQuestions`. */
  questions(): Promise<readonly string[]>
  /** As the window's or the menu's Quit does it; settles once the process is gone. */
  quit(): Promise<void>
  /** Settles once the process is gone. How it ended is Playwright's doing too, whose debugger it waits for. */
  ended(): Promise<void>
}

export interface LaunchOptions {
  /** Electron's program. */
  readonly executablePath: string
  /** The app's folder; null when the program is the packaged app itself. */
  readonly appDir: string | null
  readonly desktop: Desktop
  readonly home: string
}

export const launchArguments = (appDir: string | null): string[] => [
  ...electronFlags,
  ...(appDir === null ? [] : [appDir]),
  '--hidden',
]

export const appEnvironment = ({ desktop, home }: Pick<LaunchOptions, 'desktop' | 'home'>) => {
  const env: Record<string, string> = {}
  for (const [name, value] of Object.entries({ ...process.env, ...desktop.env, NEXUS_HOME: home })) {
    if (value !== undefined) env[name] = value
  }
  return env
}

export const openApp = async (options: LaunchOptions): Promise<OpenedApp> => {
  const app = await electron.launch({
    executablePath: options.executablePath,
    args: launchArguments(options.appDir),
    env: appEnvironment(options),
  })
  const child = app.process()
  let said = ''
  const hear = (piece: unknown) => {
    said += String(piece)
  }
  child.stdout?.on('data', hear)
  child.stderr?.on('data', hear)
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const page = await app.firstWindow()
  page.on('console', (message) => hear(`${message.text()}\n`))
  page.on('pageerror', (error) => hear(`${error.message}\n`))
  await page.waitForLoadState('load')

  const state = (): Promise<AppState> =>
    page.evaluate(
      () =>
        new Promise<AppState>((resolve) => {
          const end = nexus.onState((next) => {
            resolve(next)
            // The first call may come before the function that ends it.
            setTimeout(() => end(), 0)
          })
        }),
    )
  return {
    electron: app,
    page,
    process: child,
    said: () => said,
    state,
    until: async (fits, timeoutMs) => {
      const deadline = Date.now() + timeoutMs
      for (;;) {
        const present = await state()
        if (fits(present)) return present
        if (Date.now() > deadline) throw new Error(`it did not come to that: ${JSON.stringify(present)}`)
        await page.waitForTimeout(200)
      }
    },
    untilShown: async (tag, text) => {
      await page.waitForFunction(findOnScreen, { tag, text })
    },
    untilCurrent: async (view) => {
      await page.waitForFunction(findOnScreen, { tag: '[aria-current=page]', text: view })
    },
    press: async (text) => {
      // Not by Playwright's locators: they ask for Element.checkVisibility, which came with Chromium 105.
      const tag = 'button:not([aria-disabled=true])'
      const found = await page.waitForFunction(findOnScreen, { tag, text })
      const place = await found.jsonValue()
      if (place !== null) await page.mouse.click(place.x, place.y)
    },
    isVisible: () =>
      app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().some((each) => each.isVisible())),
    emit: (event) =>
      app.evaluate(({ app: main }, name) => {
        main.emit(name)
      }, event),
    catchTray: () =>
      app.evaluate(({ Tray }) => {
        const { prototype } = Tray
        const original = prototype.setToolTip
        prototype.setToolTip = function (text) {
          Object.assign(globalThis, { caughtTray: this, caughtTooltip: text })
          original.call(this, text)
        }
        const keepMenu = (menu: unknown) => void Object.assign(globalThis, { caughtMenu: menu })
        prototype.popUpContextMenu = keepMenu
        const originalMenu = prototype.setContextMenu
        prototype.setContextMenu = function (menu) {
          keepMenu(menu)
          originalMenu.call(this, menu)
        }
      }),
    clickTray: (button) =>
      app.evaluate((_electron, name) => {
        Reflect.get(globalThis, 'caughtTray').emit(name)
      }, button),
    menu: () =>
      app.evaluate(() => {
        const { items } = Reflect.get(globalThis, 'caughtMenu') ?? { items: [] }
        return items.map(({ label, type }: { label: string; type: string }) =>
          type === 'separator' ? '-' : label,
        )
      }),
    choose: (label) =>
      app.evaluate((_electron, wanted) => {
        const { items } = Reflect.get(globalThis, 'caughtMenu')
        items.find((item: { label: string }) => item.label === wanted).click()
      }, label),
    tooltip: () => app.evaluate(() => Reflect.get(globalThis, 'caughtTooltip') ?? null),
    answerQuestions: (button) =>
      app.evaluate(({ dialog }, response) => {
        const asked: string[] = []
        Object.assign(globalThis, { nexusTestQuestions: asked })
        Object.assign(dialog, {
          // Over the window: without one, macOS would stop the process, the core in it too.
          showMessageBox: async (parent: { isVisible(): boolean }, { message }: { message: string }) => {
            if (!parent.isVisible()) throw new Error('a question over no window')
            asked.push(message)
            return { response }
          },
        })
      }, button),
    questions: () =>
      app.evaluate(() => {
        const found: unknown = Reflect.get(globalThis, 'nexusTestQuestions')
        return Array.isArray(found) ? found.map(String) : []
      }),
    quit: () => {
      // Its page goes before it can answer.
      page.evaluate(() => nexus.act({ type: 'quit' })).catch(() => {})
      return ended
    },
    ended: () => ended,
  }
}

/** What the page's DOM has of what is used below; these sources know no DOM otherwise. */
interface PageElement {
  readonly textContent: string | null
  getBoundingClientRect(): {
    readonly x: number
    readonly y: number
    readonly width: number
    readonly height: number
  }
}
declare const document: { querySelectorAll(selector: string): Iterable<PageElement> }

/** Runs in the window: the middle of the first element of that kind with that text; null while there is none. */
const findOnScreen = ({ tag, text }: { readonly tag: string; readonly text: string }) => {
  for (const element of document.querySelectorAll(tag)) {
    const { x, y, width, height } = element.getBoundingClientRect()
    if (element.textContent === text && width > 0 && height > 0)
      return { x: x + width / 2, y: y + height / 2 }
  }
  return null
}
