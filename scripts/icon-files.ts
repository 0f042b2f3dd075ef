// The icon files and their contents.
import { Resvg } from '@resvg/resvg-js'
import {
  appIconPixels,
  appIconSvg,
  trayIconOnPanelSvg,
  trayIconPoints,
  trayIconSvg,
  trayStates,
} from './icon-shapes.ts'

export interface IconFile {
  /** In resources/icons. */
  readonly name: string
  readonly content: () => Buffer
}

export interface Picture {
  readonly name: string
  readonly svg: string
  readonly pixels: number
}

/** About the height of Linux desktop panels. */
const panelPixels = 24

/** `Template` and `@2x` in a name have a meaning for Electron (electronjs.org/docs/latest/api/native-image). */
export const pictures: readonly Picture[] = [
  { name: 'icon.png', svg: appIconSvg(), pixels: appIconPixels },
  ...trayStates.flatMap((state) => [
    { name: `tray-${state}Template.png`, svg: trayIconSvg(state), pixels: trayIconPoints },
    { name: `tray-${state}Template@2x.png`, svg: trayIconSvg(state), pixels: 2 * trayIconPoints },
    { name: `tray-${state}.png`, svg: trayIconOnPanelSvg(state), pixels: panelPixels },
    { name: `tray-${state}@2x.png`, svg: trayIconOnPanelSvg(state), pixels: 2 * panelPixels },
  ]),
]

export const renderPicture = ({ svg, pixels }: Pick<Picture, 'svg' | 'pixels'>) =>
  new Resvg(svg, { fitTo: { mode: 'width', value: pixels }, font: { loadSystemFonts: false } }).render()

/**
 * Apple's icon file: a header, then each size as a PNG under its type (512 points at two pixels each is `ic10`). Written
 * here because electron-builder would download a program for it. The two smallest types handle PNGs badly and are left to
 * scaling.
 */
const appleIcon = (): Buffer => {
  const types = { ic11: 32, ic12: 64, ic07: 128, ic13: 256, ic08: 256, ic14: 512, ic09: 512, ic10: 1024 }
  const entries = Object.entries(types).map(([type, pixels]) =>
    chunk(type, renderPicture({ svg: appIconSvg(), pixels }).asPng()),
  )
  return chunk('icns', Buffer.concat(entries))
}

/** Four letters, the total length, the content. */
const chunk = (type: string, content: Buffer): Buffer => {
  const head = Buffer.alloc(8, type, 'latin1')
  head.writeUInt32BE(8 + content.length, 4)
  return Buffer.concat([head, content])
}

export const iconFiles: readonly IconFile[] = [
  { name: 'icon.icns', content: appleIcon },
  ...pictures.map((picture) => ({ name: picture.name, content: () => renderPicture(picture).asPng() })),
]
