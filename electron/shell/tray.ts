// The icon in the menu bar or panel: shows the state, opens the window on a click and the menu on a right-click.
import type { EventEmitter } from 'node:events'
import { join } from 'node:path'
import type { MenuItemConstructorOptions, Rectangle } from 'electron'
import type { AppState } from '../contract/app.ts'
import type { Config } from '../contract/config.ts'
import { type TrayIcon, trayIcons, trayLook } from './tray-look.ts'
import { type TrayChoice, type TrayItem, trayMenu } from './tray-menu.ts'

/** The part of Electron's Tray used here. */
export interface SystemTray<Image, Menu> extends EventEmitter {
  getBounds(): Rectangle
  popUpContextMenu(menu: Menu): void
  setContextMenu(menu: Menu): void
  setImage(image: Image): void
  setToolTip(text: string): void
  // macOS only (Electron's types).
  setIgnoreDoubleClickEvents?(ignore: boolean): void
  setTitle?(title: string, options: { readonly fontType: 'monospacedDigit' }): void
}

/** The part of Electron's menu item options used here. */
export interface MenuTemplate extends Pick<MenuItemConstructorOptions, 'type' | 'label' | 'enabled'> {
  readonly click?: () => void
  submenu?: MenuTemplate[]
}

export interface TrayOptions<Image, Menu> {
  readonly loadImage: (path: string) => Image
  readonly buildMenu: (template: MenuTemplate[]) => Menu
  readonly create: (image: Image) => SystemTray<Image, Menu>
  readonly iconsDir: string
  readonly platform: NodeJS.Platform
  readonly state: () => AppState
  /** Gets the icon's place; with several displays, in the bar that was clicked (electron/electron#36031). */
  readonly onClick: (icon: Rectangle) => void
  readonly onChoice: (choice: TrayChoice) => void
}

export const createTray = <Image, Menu>(options: TrayOptions<Image, Menu>) => {
  const images = new Map<TrayIcon, Image>()
  for (const icon of trayIcons) {
    // macOS recolours a template image (by its name) for the menu bar, and finds the @2x file by itself.
    const name = options.platform === 'darwin' ? `tray-${icon}Template.png` : `tray-${icon}.png`
    const image = options.loadImage(join(options.iconsDir, name))
    images.set(icon, image)
  }
  const imageOf = (icon: TrayIcon): Image => {
    const image = images.get(icon)
    if (image === undefined) throw new Error(`there is no tray icon for ${icon}`)
    return image
  }
  const tray = options.create(imageOf('stopped'))
  // macOS: a second click within the double-click time counts as a click too.
  tray.setIgnoreDoubleClickEvents?.(true)
  let shown = { icon: 'stopped', title: '', tooltip: '' }

  const build = (items: readonly TrayItem[]) => options.buildMenu(toTemplate(items, options.onChoice))
  tray.on('click', (_event: unknown, icon: Rectangle) => options.onClick(icon))
  // Not setContextMenu on macOS: then a left click would open the menu too. Linux has neither this event nor
  // popUpContextMenu (Electron's types: darwin, win32); its panels show the menu that was set last.
  const popsUp = options.platform !== 'linux'
  // Keep a reference: Electron doesn't keep a popped-up menu alive (electron/electron#16445).
  let poppedUp: Menu | null = null
  const popUp = () => {
    poppedUp = build(trayMenu(options.state()))
    tray.popUpContextMenu(poppedUp)
  }
  if (popsUp) tray.on('right-click', popUp)
  let offered = ''
  const offerMenu = () => {
    const items = trayMenu(options.state())
    const said = JSON.stringify(items)
    if (said === offered) return
    offered = said
    tray.setContextMenu(build(items))
  }

  return {
    /** The icon's place; on Linux, and where macOS hides it, not on the screen. */
    bounds: () => tray.getBounds(),
    update: (menuBarText: Config['menuBarText']) => {
      if (!popsUp) offerMenu()
      const look = trayLook(options.state(), menuBarText)
      if (look.icon !== shown.icon) tray.setImage(imageOf(look.icon))
      // Only macOS has text beside the icon.
      if (look.title !== shown.title) tray.setTitle?.(look.title, { fontType: 'monospacedDigit' })
      if (look.tooltip !== shown.tooltip) tray.setToolTip(look.tooltip)
      shown = look
    },
  }
}

const toTemplate = (items: readonly TrayItem[], choose: (choice: TrayChoice) => void): MenuTemplate[] =>
  items.map(({ choice, submenu, ...item }) => ({
    ...item,
    ...(choice === undefined ? {} : { click: () => choose(choice) }),
    ...(submenu === undefined ? {} : { submenu: toTemplate(submenu, choose) }),
  }))
