import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { iconFiles, pictures, renderPicture } from './make-icons.ts'

const dir = join(import.meta.dirname, '..', 'resources', 'icons')
const render = (name: string) => {
  const picture = pictures.find((known) => known.name === name)
  if (picture === undefined) throw new Error(`no icon is called ${name}`)
  return renderPicture(picture)
}

describe('resources/icons', () => {
  it('holds exactly what scripts/make-icons.ts makes', () => {
    expect(readdirSync(dir).sort()).toEqual(iconFiles.map(({ name }) => name).sort())
    for (const file of iconFiles) {
      expect(file.content().equals(readFileSync(join(dir, file.name))), file.name).toBe(true)
    }
  })
})

const templates = pictures.filter(({ name }) => name.includes('Template'))

describe('the menu-bar templates', () => {
  it.each(templates.map(({ name }) => name))(
    '%s is black with alpha, and has the size of its name',
    (name) => {
      const image = render(name)
      const side = name.includes('@2x') ? 32 : 16
      expect([image.width, image.height]).toEqual([side, side])
      // Premultiplied RGBA: black is 0 0 0 at every alpha.
      const colours = image.pixels.filter((_, index) => index % 4 !== 3)
      expect(colours.every((value) => value === 0)).toBe(true)
      expect(new Set(image.pixels.filter((_, index) => index % 4 === 3)).size).toBeGreaterThan(2)
    },
  )

  it('tell the states apart by shape: of each pair, a sixth of the ink differs even at one pixel a point', () => {
    const alphas = templates
      .filter(({ name }) => !name.includes('@2x'))
      .map(({ name }) => ({ name, alpha: [...render(name).pixels].filter((_, index) => index % 4 === 3) }))
    const ink = (alpha: readonly number[]) => alpha.reduce((sum, value) => sum + value, 0)
    for (const [index, left] of alphas.entries()) {
      for (const right of alphas.slice(index + 1)) {
        const differs = ink(left.alpha.map((value, pixel) => Math.abs(value - (right.alpha[pixel] ?? 0))))
        const share = differs / ink([...left.alpha, ...right.alpha])
        expect(share, `${left.name} and ${right.name}`).toBeGreaterThan(1 / 6)
      }
    }
  })
})
