// Writes resources/icons from the drawings in scripts/icons: node scripts/make-icons.ts
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Resvg } from '@resvg/resvg-js'

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

const dir = join(import.meta.dirname, 'icons')
const appSvg = readFileSync(join(dir, 'app.svg'), 'utf8')

/** Points: the height of a menu-bar icon on macOS, less its margins. */
const trayPoints = 16
/** About the height of Linux desktop panels. */
const panelPixels = 24

/** For Linux panels, which don't tint and may be dark or light: white with a dark outline. */
const onPanel = (svg: string): string =>
  svg
    .replace(
      /<svg[^>]*>/,
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-1 -1 ${trayPoints + 2} ${trayPoints + 2}">` +
        `<filter id="panel" filterUnits="userSpaceOnUse" x="-1" y="-1" width="18" height="18" color-interpolation-filters="sRGB">` +
        `<feMorphology in="SourceAlpha" operator="dilate" radius="0.7" result="wide"/><feFlood flood-color="#10151f" flood-opacity="0.8"/>` +
        `<feComposite in2="wide" operator="in" result="edge"/><feColorMatrix in="SourceGraphic" values="0 0 0 0 1 0 0 0 0 1 0 0 0 0 1 0 0 0 1 0" result="white"/>` +
        `<feMerge><feMergeNode in="edge"/><feMergeNode in="white"/></feMerge></filter><g filter="url(#panel)">`,
    )
    .replace('</svg>', '</g></svg>')

/**
 * A tray drawing is black, for macOS to tint. `Template` and `@2x` in a name have a meaning for Electron
 * (electronjs.org/docs/latest/api/native-image).
 */
export const pictures: readonly Picture[] = [
  { name: 'icon.png', svg: appSvg, pixels: 1024 },
  ...readdirSync(dir)
    .filter((name) => name.startsWith('tray-'))
    .flatMap((name) => {
      const svg = readFileSync(join(dir, name), 'utf8')
      const state = name.replace('.svg', '')
      return [
        { name: `${state}Template.png`, svg, pixels: trayPoints },
        { name: `${state}Template@2x.png`, svg, pixels: 2 * trayPoints },
        { name: `${state}.png`, svg: onPanel(svg), pixels: panelPixels },
        { name: `${state}@2x.png`, svg: onPanel(svg), pixels: 2 * panelPixels },
      ]
    }),
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
    chunk(type, renderPicture({ svg: appSvg, pixels }).asPng()),
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

// Not when its test imports it.
if (process.argv[1] === import.meta.filename) {
  const iconsDir = join(import.meta.dirname, '..', 'resources', 'icons')
  for (const { name, content } of iconFiles) writeFileSync(join(iconsDir, name), content())
}
