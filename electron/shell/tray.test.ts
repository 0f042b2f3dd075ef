// What the icon asks of the system, on macOS and on Linux: a stand-in for Electron's, which no test can click on.
import { EventEmitter } from 'node:events'
import { expect, it } from 'vitest'
import type { AppState } from '../contract/app.ts'
import type { Config } from '../contract/config.ts'
import { appState, snapshotAt } from '../contract/test-support/sample-app-state.ts'
import { createTray, type MenuTemplate, type SystemTray } from './tray.ts'
import { trayIcons } from './tray-look.ts'
import type { TrayChoice } from './tray-menu.ts'

const place = { x: 1000, y: 0, width: 30, height: 24 }
const stopped = appState({ overall: 'stopped' })

/** An image is its path and a menu its template here. */
const setUp = (platform: 'darwin' | 'linux', first: AppState = stopped) => {
  const done: string[] = []
  const loaded: string[] = []
  const clicks: unknown[] = []
  const choices: TrayChoice[] = []
  let state = first
  let menu: readonly MenuTemplate[] = []
  const events = new EventEmitter()
  const showMenu = (how: string) => (shown: readonly MenuTemplate[]) => {
    done.push(how)
    menu = shown
  }
  const common = {
    getBounds: () => place,
    popUpContextMenu: showMenu('pop up menu'),
    setContextMenu: showMenu('offer menu'),
    setImage: (image: string) => void done.push(image),
    setToolTip: (text: string) => void done.push(`tooltip ${text}`),
  }
  const macOnly = {
    setIgnoreDoubleClickEvents: (ignore: boolean) => void done.push(`ignore double clicks ${ignore}`),
    setTitle: (title: string, options: object) => void done.push(`title ${title} ${JSON.stringify(options)}`),
  }
  const system: SystemTray<string, readonly MenuTemplate[]> =
    platform === 'darwin' ? Object.assign(events, common, macOnly) : Object.assign(events, common)
  const tray = createTray({
    loadImage: (path) => {
      loaded.push(path)
      return path
    },
    buildMenu: (template): readonly MenuTemplate[] => template,
    create: (image) => {
      done.push(`icon ${image}`)
      return system
    },
    iconsDir: '/icons',
    platform,
    state: () => state,
    onClick: (icon) => clicks.push(icon),
    onChoice: (choice) => choices.push(choice),
  })
  const update = (next: AppState, menuBarText: Config['menuBarText'] = 'slots') => {
    state = next
    tray.update(menuBarText)
  }
  return { tray, events, done, loaded, clicks, choices, update, menu: () => menu }
}

const labels = (menu: readonly MenuTemplate[]) => menu.map(({ label }) => label)

it.each([
  ['darwin', 'Template.png'],
  ['linux', '.png'],
] as const)('has an image for every state, on %s named …%s', (platform, ending) => {
  const { loaded, done } = setUp(platform)
  expect(loaded).toEqual(trayIcons.map((icon) => `/icons/tray-${icon}${ending}`))
  expect(done[0]).toBe(`icon /icons/tray-stopped${ending}`)
})

it('takes each click for itself on macOS', () => {
  expect(setUp('darwin').done).toContain('ignore double clicks true')
})

it('shows a state by its image and its tooltip, on macOS with digits of one width beside it', () => {
  const mac = setUp('darwin')
  mac.update(appState(snapshotAt(1)))
  expect(mac.done.slice(2)).toEqual([
    '/icons/tray-busyTemplate.png',
    'title 1/4 {"fontType":"monospacedDigit"}',
    'tooltip Opta Nexus: Ready: 3 slots free, a new agent starts at once',
  ])
  const linux = setUp('linux')
  linux.update(appState(snapshotAt(1)))
  expect(linux.done.slice(1)).toEqual([
    'offer menu',
    '/icons/tray-busy.png',
    'tooltip Opta Nexus: Ready: 3 slots free, a new agent starts at once',
  ])
})

it.each(['darwin', 'linux'] as const)('touches nothing that is shown already (%s)', (platform) => {
  const { done, update } = setUp(platform)
  update(appState(snapshotAt(1)))
  const before = [...done]
  update(appState(snapshotAt(1)))
  expect(done).toEqual(before)
})

it('takes the text off the macOS bar when it is not wanted any more', () => {
  const { done, update } = setUp('darwin')
  update(appState(snapshotAt(1)))
  update(appState(snapshotAt(1)), 'none')
  expect(done.at(-1)).toBe('title  {"fontType":"monospacedDigit"}')
})

it.each(['darwin', 'linux'] as const)('tells a left click with the icon’s place (%s)', (platform) => {
  const { tray, events, clicks, done } = setUp(platform)
  const before = done.length
  events.emit('click', {}, place)
  expect(clicks).toEqual([place])
  expect(done).toHaveLength(before)
  expect(tray.bounds()).toEqual(place)
})

it('opens the menu of this moment by a right click on macOS, and never hands it over: that would take the left click', () => {
  const { events, done, menu, update } = setUp('darwin')
  update(appState(snapshotAt(1)))
  events.emit('right-click')
  expect(labels(menu())[0]).toBe('Ready: 3 slots free, a new agent starts at once')
  update(appState(snapshotAt(2)))
  expect(labels(menu())[0]).toBe('Ready: 3 slots free, a new agent starts at once')
  events.emit('right-click')
  expect(labels(menu())[0]).toBe('Ready: 2 slots free, a new agent starts at once')
  expect(done.filter((each) => each.endsWith('menu'))).toEqual(['pop up menu', 'pop up menu'])
})

it('hands the menu to the panel of a Linux desktop, anew when it says something else, and pops none up', () => {
  const { events, done, menu, update } = setUp('linux')
  update(appState(snapshotAt(1)))
  update(appState(snapshotAt(1)))
  expect(labels(menu())[0]).toBe('Ready: 3 slots free, a new agent starts at once')
  update(appState(snapshotAt(2)))
  expect(labels(menu())[0]).toBe('Ready: 2 slots free, a new agent starts at once')
  events.emit('right-click')
  expect(done.filter((each) => each.endsWith('menu'))).toEqual(['offer menu', 'offer menu'])
})

it('makes each line of the menu what it is, and tells what was chosen', () => {
  const { events, choices, menu } = setUp('darwin')
  events.emit('right-click')
  const [line, separator, start] = menu()
  expect(line).toEqual({ label: 'Stopped: no agent gets answers until you start the stack', enabled: false })
  expect(separator).toEqual({ type: 'separator' })
  expect(start).toMatchObject({ label: 'Start everything', enabled: false })
  const router = menu().find(({ label }) => label === 'Router: ready')
  router?.submenu?.find(({ label }) => label === 'Show log')?.click?.()
  menu().at(-1)?.click?.()
  expect(choices).toEqual([
    { type: 'view', view: { id: 'logs', service: 'proxy' } },
    { type: 'action', action: { type: 'quit' } },
  ])
})
