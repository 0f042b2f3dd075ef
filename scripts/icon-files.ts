// The icon files: which there are, and what is in each.
import { Resvg } from '@resvg/resvg-js'
import {
  appIconPixels,
  appIconSvg,
  trayIconOnPanelSvg,
  trayIconPoints,
  trayIconSvg,
  trayStates,
} from './icon-shapes.ts'

interface IconFile {
  /** In resources/icons. */
  readonly name: string
  readonly svg: string
  readonly pixels: number
}

/** Panels of Linux desktops are about that high. */
const panelPixels = 24

/** `Template` and `@2x` in a name mean something to Electron (electronjs.org/docs/latest/api/native-image). */
export const iconFiles: readonly IconFile[] = [
  { name: 'icon.png', svg: appIconSvg(), pixels: appIconPixels },
  ...trayStates.flatMap((state) => [
    { name: `tray-${state}Template.png`, svg: trayIconSvg(state), pixels: trayIconPoints },
    { name: `tray-${state}Template@2x.png`, svg: trayIconSvg(state), pixels: 2 * trayIconPoints },
    { name: `tray-${state}.png`, svg: trayIconOnPanelSvg(state), pixels: panelPixels },
    { name: `tray-${state}@2x.png`, svg: trayIconOnPanelSvg(state), pixels: 2 * panelPixels },
  ]),
]

export const renderIcon = ({ svg, pixels }: IconFile) =>
  new Resvg(svg, { fitTo: { mode: 'width', value: pixels }, font: { loadSystemFonts: false } }).render()
