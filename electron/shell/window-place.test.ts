// Where the window stands on every kind of screen.
import { describe, expect, it } from 'vitest'
import { clampToScreen, placeWindow } from './window-place.ts'

const screen = {
  bounds: { x: 0, y: 0, width: 1440, height: 900 },
  workArea: { x: 0, y: 25, width: 1440, height: 875 },
}
const size = { width: 380, height: 720 }

describe('the window', () => {
  it('is centred under the icon', () => {
    expect(placeWindow(size, { x: 1000, y: 0, width: 30, height: 25 }, screen)).toEqual({
      x: 825,
      y: 33,
      ...size,
    })
  })

  it('stays on the screen beside an icon near its edge', () => {
    expect(placeWindow(size, { x: 1400, y: 0, width: 30, height: 25 }, screen).x).toBe(1440 - 8 - 380)
    expect(placeWindow(size, { x: 0, y: 0, width: 30, height: 25 }, screen).x).toBe(8)
  })

  it('stands above an icon at the bottom', () => {
    const { y } = placeWindow(size, { x: 700, y: 870, width: 30, height: 25 }, screen)
    expect(y + size.height).toBe(900 - 8)
  })

  it.each([
    ['not told', null],
    ['all zero, as under Linux', { x: 0, y: 0, width: 0, height: 0 }],
    ['off the screen, as hidden by macOS 26', { x: 1000, y: -40, width: 30, height: 25 }],
    ['on a screen that is gone', { x: 3000, y: 0, width: 30, height: 25 }],
  ])('stands top right when the icon is %s', (_what, icon) => {
    expect(placeWindow(size, icon, screen)).toEqual({ x: 1440 - 8 - 380, y: 33, ...size })
  })

  it('is made smaller for a small screen', () => {
    const small = {
      bounds: { x: 100, y: 0, width: 300, height: 400 },
      workArea: { x: 100, y: 0, width: 300, height: 400 },
    }
    expect(placeWindow(size, null, small)).toEqual({ x: 108, y: 8, width: 284, height: 384 })
  })

  it('on a second screen stays on that one', () => {
    const second = {
      bounds: { x: -1920, y: 0, width: 1920, height: 1080 },
      workArea: { x: -1920, y: 25, width: 1920, height: 1055 },
    }
    expect(placeWindow(size, { x: -60, y: 0, width: 30, height: 25 }, second).x).toBe(-8 - 380)
  })
})

it('remembered bounds come back onto the screen', () => {
  expect(clampToScreen({ x: 5000, y: -50, width: 900, height: 2000 }, screen.workArea)).toEqual({
    x: 540,
    y: 25,
    width: 900,
    height: 875,
  })
  const inside = { x: 10, y: 40, width: 500, height: 500 }
  expect(clampToScreen(inside, screen.workArea)).toEqual(inside)
})
