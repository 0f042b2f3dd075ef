// The icons as SVG, from one geometry: a hexagon for the machine, and its activity inside.

export const trayStates = ['stopped', 'starting', 'ready', 'busy', 'full', 'failed'] as const
export type TrayState = (typeof trayStates)[number]

type Point = readonly [x: number, y: number]

/** Corner up; the radius reaches the corners. */
const hexagonCorners = (centre: number, radius: number): readonly Point[] =>
  Array.from({ length: 6 }, (_, corner): Point => {
    const angle = (Math.PI / 3) * corner - Math.PI / 2
    return [centre + radius * Math.cos(angle), centre + radius * Math.sin(angle)]
  })

const openPath = (points: readonly Point[]): string =>
  `M${points.map(([x, y]) => `${round(x)} ${round(y)}`).join('L')}`
const closedPath = (points: readonly Point[]): string => `${openPath(points)}Z`

const round = (value: number): number => Math.round(value * 1000) / 1000

// --- The tray -------------------------------------------------------------------------------------------------------

/** Points: the height of a menu-bar icon on macOS, less its margins. */
export const trayIconPoints = 16

const middle = trayIconPoints / 2
const line = 1.6
const corners = hexagonCorners(middle, 6.55)
const outline = closedPath(corners)
const stroke = (path: string): string =>
  `<path d="${path}" fill="none" stroke="#000" stroke-width="${line}" stroke-linejoin="round" stroke-linecap="round"/>`
/** Filled to the outer edge of the line, with the same round corners. */
const frame = stroke(outline)
const solid = `<path d="${outline}" fill="#000" stroke="#000" stroke-width="${line}" stroke-linejoin="round"/>`

const without = (shape: string, hole: string): string =>
  `<mask id="hole" maskUnits="userSpaceOnUse" x="0" y="0" width="16" height="16">` +
  `<rect width="16" height="16" fill="#fff"/>${hole}</mask><g mask="url(#hole)">${shape}</g>`

const slash = (colour: string, width: number): string =>
  `<path d="M2.6 13.4L13.4 2.6" stroke="${colour}" stroke-width="${width}" stroke-linecap="round"/>`

/** Black, for macOS to tint: these are template images (electronjs.org/docs/latest/api/native-image). */
const trayShapes: Readonly<Record<TrayState, string>> = {
  stopped: without(frame, slash('#000', 4.2)) + slash('#000', line),
  // Open at the top, with an arrow coming out of it.
  starting: stroke(openPath([...corners.slice(1)].reverse())) + stroke('M8 10.9V2.7M4.9 5.6L8 2.5L11.1 5.6'),
  ready: `${frame}<circle cx="8" cy="8" r="2.9"/>`,
  busy: `${frame}<clipPath id="level"><rect y="8" width="16" height="8"/></clipPath><g clip-path="url(#level)">${solid}</g>`,
  full: without(solid, `<rect x="4" y="6.9" width="8" height="2.2" rx="1.1" fill="#000"/>`),
  failed: without(
    `<path d="M8 2.6L14.4 13.4H1.6Z" stroke="#000" stroke-width="2" stroke-linejoin="round"/>`,
    `<rect x="7.05" y="5.4" width="1.9" height="4.6" rx="0.95" fill="#000"/><circle cx="8" cy="11.8" r="1.15" fill="#000"/>`,
  ),
}

export const trayIconSvg = (state: TrayState): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${trayIconPoints} ${trayIconPoints}">${trayShapes[state]}</svg>`

/** For Linux panels, which don't tint and may be dark or light: white with a dark outline. */
export const trayIconOnPanelSvg = (state: TrayState): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-1 -1 ${trayIconPoints + 2} ${trayIconPoints + 2}">` +
  `<filter id="panel" filterUnits="userSpaceOnUse" x="-1" y="-1" width="18" height="18" color-interpolation-filters="sRGB">` +
  `<feMorphology in="SourceAlpha" operator="dilate" radius="0.7" result="wide"/><feFlood flood-color="#10151f" flood-opacity="0.8"/>` +
  `<feComposite in2="wide" operator="in" result="edge"/><feColorMatrix in="SourceGraphic" values="0 0 0 0 1 0 0 0 0 1 0 0 0 0 1 0 0 0 1 0" result="white"/>` +
  `<feMerge><feMergeNode in="edge"/><feMergeNode in="white"/></feMerge></filter><g filter="url(#panel)">${trayShapes[state]}</g></svg>`

// --- The app --------------------------------------------------------------------------------------------------------

export const appIconPixels = 1024

/** Loads of the four slots in the picture, 0 to 1: three busy, one free. */
const slotLoads = [0.62, 0.9, 0.34, 0] as const

const slotBars = (): string => {
  const [width, gap, height, bottom] = [66, 28, 300, 662] as const
  const left = (appIconPixels - 4 * width - 3 * gap) / 2
  return slotLoads
    .map((load, slot) => {
      const x = left + slot * (width + gap)
      const bar = (tall: number, fill: string) =>
        `<rect x="${x}" y="${round(bottom - tall)}" width="${width}" height="${round(tall)}" rx="${width / 2}" fill="${fill}"/>`
      return bar(height, '#ffffff20') + (load === 0 ? '' : bar(height * load, 'url(#load)'))
    })
    .join('')
}

/** Apple's grid for macOS: a plate of 824 in a canvas of 1024, its corners 185 round, a soft shadow below. */
export const appIconSvg = (): string => {
  const hexagon = closedPath(hexagonCorners(appIconPixels / 2, 306))
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${appIconPixels} ${appIconPixels}">
<defs>
<linearGradient id="plate" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#2f3d57"/><stop offset="1" stop-color="#0d1220"/></linearGradient>
<linearGradient id="rim" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#ffffff" stop-opacity="0.28"/><stop offset="0.5" stop-color="#ffffff" stop-opacity="0.04"/></linearGradient>
<linearGradient id="edge" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#ffffff"/><stop offset="1" stop-color="#b9cbe6"/></linearGradient>
<linearGradient id="load" gradientUnits="userSpaceOnUse" x1="0" y1="362" x2="0" y2="662"><stop offset="0" stop-color="#7ff5d0"/><stop offset="1" stop-color="#19b3e6"/></linearGradient>
<filter id="shadow" x="-20%" y="-20%" width="140%" height="140%"><feDropShadow dx="0" dy="12" stdDeviation="14" flood-color="#000000" flood-opacity="0.35"/></filter>
</defs>
<rect x="100" y="100" width="824" height="824" rx="185" fill="url(#plate)" filter="url(#shadow)"/>
<rect x="103" y="103" width="818" height="818" rx="182" fill="none" stroke="url(#rim)" stroke-width="6"/>
<path d="${hexagon}" fill="#ffffff0a" stroke="url(#edge)" stroke-width="48" stroke-linejoin="round"/>
${slotBars()}
</svg>`
}
