// Places the window under its icon, inside the screen. Pure.
import type { Rectangle, Size } from 'electron'

/** Gap between the window and the screen edge or the icon. */
const marginPx = 8

/**
 * `icon` is null where the system doesn't report it, all zero on Linux, and off every screen when macOS 26 hides it: the
 * window then goes to the top right. `bounds` is the whole screen, `workArea` the part without bars and docks.
 */
export const placeWindow = (
  size: Size,
  icon: Rectangle | null,
  { bounds, workArea }: { readonly bounds: Rectangle; readonly workArea: Rectangle },
): Rectangle => {
  const width = Math.min(size.width, workArea.width - 2 * marginPx)
  const height = Math.min(size.height, workArea.height - 2 * marginPx)
  const right = workArea.x + workArea.width - marginPx - width
  if (icon === null || !isOnScreen(icon, bounds)) {
    return { x: right, y: workArea.y + marginPx, width, height }
  }
  const centred = Math.round(icon.x + icon.width / 2 - width / 2)
  const x = Math.min(Math.max(centred, workArea.x + marginPx), right)
  // Linux desktops may have the panel at the bottom.
  const below = icon.y + icon.height / 2 < bounds.y + bounds.height / 2
  const y = below ? workArea.y + marginPx : workArea.y + workArea.height - marginPx - height
  return { x, y, width, height }
}

/** Moves remembered bounds onto a screen that may have shrunk or gone. */
export const clampToScreen = (wanted: Rectangle, workArea: Rectangle): Rectangle => {
  const width = Math.min(wanted.width, workArea.width)
  const height = Math.min(wanted.height, workArea.height)
  return {
    x: Math.min(Math.max(wanted.x, workArea.x), workArea.x + workArea.width - width),
    y: Math.min(Math.max(wanted.y, workArea.y), workArea.y + workArea.height - height),
    width,
    height,
  }
}

const isOnScreen = (icon: Rectangle, bounds: Rectangle): boolean =>
  icon.width > 0 &&
  icon.height > 0 &&
  icon.x >= bounds.x &&
  icon.y >= bounds.y &&
  icon.x + icon.width <= bounds.x + bounds.width &&
  icon.y + icon.height <= bounds.y + bounds.height
