// The window alone, in a real Chromium under its Content-Security-Policy: every state is drawn, pictured and readable by all.
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, test } from 'vitest'
import { sampleStateNames, sampleStates } from '../renderer/test-support/sample-states.ts'
import { findViolations } from './accessibility.ts'
import { buildWindow, root } from './built-window.ts'
import { type Look, showState, showView } from './renderer-window.ts'

const picturesDir = join(root, 'out', 'test-results', 'renderer')
const outDir = join(picturesDir, 'window')
const mostGzippedBytes = 350_000

const usual = { width: 420, height: 800, scale: 1 } as const
/** A rate without its unit is another rate. */
const cutStrain = `[...document.querySelectorAll('.strain')]
  .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)
  .map(({ textContent }) => textContent)`

/** A window over a shared screen is redrawn, encoded and sent for as long as anything in it moves. */
const endlessAnimations = `document.getAnimations()
  .filter(({ effect }) => effect.getTiming().iterations === Infinity)
  .map((animation) => animation.animationName ?? animation.id)`

/** Full size, as a compressed stream shows it at half, the narrowest, and a second screen. */
const sizes = {
  '420': usual,
  '420-half': { ...usual, scale: 0.5 },
  '380': { ...usual, width: 380 },
  wide: { width: 1000, height: 700, scale: 1 },
} as const
const schemes = ['dark', 'light'] as const
const looks = schemes.flatMap((scheme) =>
  Object.entries(sizes).map(([size, numbers]): [string, Look] => [
    `${size}-${scheme}`,
    { ...numbers, scheme },
  ]),
)

const withWindow = buildWindow(outDir)
beforeAll(() => mkdir(picturesDir, { recursive: true }))

describe.each(looks)('every state at %s', (name, look) => {
  test('is drawn without a complaint, nothing wider than the window', () =>
    withWindow(async ({ page }) => {
      for (const [state, { notificationsRefused }] of Object.entries(sampleStates)) {
        await showState(page, state)
        await page.screenshot({ path: join(picturesDir, `${state}-${name}.png`) })
        const drawn = {
          width: await page.evaluate('document.documentElement.scrollWidth'),
          cut: await page.evaluate(cutStrain),
          endless: await page.evaluate(endlessAnimations),
          refusal: await page.locator('.events > p > .event-text:visible').allInnerTexts(),
        }
        const refusal =
          notificationsRefused === null ? [] : [`Notifications are not shown: ${notificationsRefused}`]
        expect({ state, ...drawn }).toEqual({ state, width: look.width, cut: [], endless: [], refusal })
      }
    }, look))
})

/** Colours differ by scheme; by width, what wraps and what is hidden. */
const axeLooks = [
  ...schemes.map((scheme): [string, Look] => [`420 ${scheme}`, { ...usual, scheme }]),
  ['380 dark', { ...sizes['380'], scheme: 'dark' }],
  ['wide dark', { ...sizes.wide, scheme: 'dark' }],
] satisfies readonly [string, Look][]

test.each(axeLooks)('axe finds nothing in any state, %s', (_, look) =>
  withWindow(async ({ page }) => {
    const found: Record<string, readonly string[]> = {}
    for (const state of sampleStateNames) {
      await showState(page, state)
      const violations = await findViolations(page)
      if (violations.length > 0) found[state] = violations
    }
    expect(found).toEqual({})
  }, look),
)

/** What one sees every day; a service that fails has a card with its log, and may make it scroll. */
const ordinaryStates = [
  'stopped',
  'starting',
  'proving',
  'idle',
  'busy',
  'full',
  'queue',
  'longQueue',
  'queueFullForge',
  'gateway',
  'memoryCritical',
  'attached',
  'attachedQueue',
] as const satisfies readonly (keyof typeof sampleStates)[]

test('an ordinary glance is seen at once, without scrolling', () =>
  withWindow(
    async ({ page }) => {
      const hidden: Record<string, number> = {}
      for (const state of ordinaryStates) {
        await showState(page, state)
        const hiddenPx = Number(
          await page.evaluate(
            `(({ scrollHeight, clientHeight }) => scrollHeight - clientHeight)(document.querySelector('.frame-view'))`,
          ),
        )
        if (hiddenPx !== 0) hidden[state] = hiddenPx
      }
      expect(hidden).toEqual({})
    },
    { ...usual, scheme: 'dark' },
  ))

/** Every view but the glance, while agents are at work and, last, while a model is fetched. */
const otherViews = ['logs', 'plan', 'doctor', 'clients', 'settings', 'models'] as const

test.each(looks)(
  'every view at %s is drawn without a complaint, nothing wider than the window',
  (name, look) =>
    withWindow(async ({ page }) => {
      for (const view of otherViews) {
        if (view === 'models') await showState(page, 'modelMissing')
        await showView(page, view)
        await page.screenshot({ path: join(picturesDir, `view-${view}-${name}.png`) })
        const width = await page.evaluate('document.documentElement.scrollWidth')
        expect({ view, width }).toEqual({ view, width: look.width })
      }
    }, look),
)

test.each(axeLooks)('axe finds nothing in any view, %s', (_, look) =>
  withWindow(async ({ page }) => {
    const found: Record<string, readonly string[]> = {}
    for (const view of otherViews) {
      if (view === 'models') await showState(page, 'modelMissing')
      await showView(page, view)
      const violations = await findViolations(page)
      if (violations.length > 0) found[view] = violations
    }
    expect(found).toEqual({})
  }, look),
)

test('all scripts and styles together stay under 350 KB gzipped', async () => {
  let bytes = 0
  for (const name of ['window.js', 'window.css', 'index.html'])
    bytes += gzipSync(await readFile(join(outDir, name))).length
  expect(bytes).toBeGreaterThan(10_000)
  expect(bytes).toBeLessThan(mostGzippedBytes)
})
