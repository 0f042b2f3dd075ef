// The whole window in a real Chromium: the keyboard; and a snapshot redraws only what it changes.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright'
import { describe, expect, test } from 'vitest'
import { sampleStates } from '../renderer/test-support/sample-states.ts'
import { actions, buildWindow, patient, root } from './built-window.ts'
import { showState, showView } from './renderer-window.ts'

const withWindow = buildWindow()

describe('the keyboard', () => {
  test('reaches every control of every view, and one sees where it is', () =>
    withWindow(async ({ page }) => {
      for (const view of ['glance', 'logs', 'plan', 'models', 'doctor', 'clients', 'settings']) {
        await showView(page, view)
        const controls = await page.evaluate(
          `[...document.querySelectorAll('button, select, input, summary')].filter((e) => !e.disabled).length`,
        )
        await page.evaluate('document.activeElement.blur()')
        const seen: unknown = await page.evaluate('(window.seen = new Set(), 0)')
        expect(seen).toBe(0)
        for (let press = 0; press < Number(controls) + 4; press += 1) {
          await page.keyboard.press('Tab')
          const outline = await page.evaluate(`(() => {
            const focused = document.activeElement
            if (focused === document.body) return 'none of ours'
            window.seen.add(focused)
            return getComputedStyle(focused).outlineStyle
          })()`)
          expect({ view, press, outline }).not.toMatchObject({ outline: 'none' })
        }
        const missed = await page.evaluate(
          `[...document.querySelectorAll('button, select, input, summary')].filter((e) => !e.disabled && !window.seen.has(e)).map((e) => e.outerHTML)`,
        )
        expect({ view, missed }).toEqual({ view, missed: [] })
      }
    }))

  test('goes on at the heading of what Enter has opened', () =>
    withWindow(async ({ page }) => {
      const heading = () => page.evaluate('document.activeElement.textContent')
      await page.getByRole('button', { name: 'AI Engine' }).focus()
      await page.keyboard.press('Enter')
      await page.getByLabel('Show only lines with these words').waitFor()
      await expect.poll(heading, patient).toBe('Logs')
      await page.getByLabel('Show only lines with these words').fill('gguf')
      await page.keyboard.press('Escape')
      await page.keyboard.press('Escape')
      await page.getByRole('heading', { name: 'Ready' }).waitFor()
      await expect.poll(heading, patient).toBe('Ready')
      await showView(page, 'logs')
      expect(await page.getByLabel('Show only lines with these words').inputValue()).toBe('gguf')
    }))

  test('Escape goes back to the glance, and from there hides the window', () =>
    withWindow(async ({ page }) => {
      await showView(page, 'doctor')
      await page.keyboard.press('Escape')
      await page.getByRole('heading', { name: 'Ready' }).waitFor()
      expect(await actions(page)).toEqual([])
      await page.keyboard.press('Escape')
      expect(await actions(page)).toEqual([{ type: 'hide' }])
    }))
})

describe('a snapshot', () => {
  const observe = `(() => {
    window.changed = []
    new MutationObserver((records) => {
      for (const { target } of records) {
        const element = target instanceof Element ? target : target.parentElement
        window.changed.push(element.closest('.slot, section, header')?.className ?? element.className)
      }
    }).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true })
  })()`
  const show = async (page: Page, state: unknown): Promise<readonly string[]> => {
    await page.evaluate(`probe.showState(${JSON.stringify(state)})`)
    await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))')
    return page.evaluate('[...new Set(window.changed.splice(0))]')
  }
  const { busy } = sampleStates
  const [first, ...others] = busy.snapshot.slots ?? []
  if (first === undefined) throw new Error('the busy sample has slots')

  test('without news changes nothing in the page', () =>
    withWindow(async ({ page }) => {
      await showState(page, 'busy')
      await page.getByLabel('Whose key to copy').waitFor()
      await page.evaluate(observe)
      expect(await show(page, busy)).toEqual([])
    }))

  test('in which one agent got faster changes that agent’s card alone', () =>
    withWindow(async ({ page }) => {
      await showState(page, 'busy')
      await page.evaluate(observe)
      const snapshot = { ...busy.snapshot, slots: [{ ...first, tokensPerSecond: 19.4 }, ...others] }
      expect(await show(page, { ...busy, snapshot })).toEqual(['slot slot-generating'])
    }))

  test('costs what is written down beside the pictures', () =>
    withWindow(async ({ page }) => {
      await showState(page, 'busy')
      const session = await page.context().newCDPSession(page)
      await session.send('Performance.enable')
      const read = async () => {
        const { metrics } = await session.send('Performance.getMetrics')
        const of = (name: string) => metrics.find((metric) => metric.name === name)?.value ?? Number.NaN
        return { script: of('ScriptDuration'), layout: of('LayoutDuration') + of('RecalcStyleDuration') }
      }
      const count = 60
      const states = Array.from({ length: count }, (_, second) => ({
        ...busy,
        snapshot: {
          ...busy.snapshot,
          takenAt: busy.snapshot.takenAt + second * 1000,
          slots: [
            { ...first, tokensPerSecond: 18 + second / 10, contextTokens: 41_984 + second * 18 },
            ...others,
          ],
          throughput: busy.snapshot.throughput && {
            ...busy.snapshot.throughput,
            generationTokensPerSecond: 33 + second / 10,
          },
        },
      }))
      const before = await read()
      for (const state of states) {
        await page.evaluate(`probe.showState(${JSON.stringify(state)})`)
        await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))')
      }
      const after = await read()
      const cost = {
        snapshots: count,
        scriptMsEach: (1000 * (after.script - before.script)) / count,
        layoutMsEach: (1000 * (after.layout - before.layout)) / count,
      }
      const picturesDir = join(root, 'out', 'test-results', 'renderer')
      await mkdir(picturesDir, { recursive: true })
      await writeFile(join(picturesDir, 'cost.json'), `${JSON.stringify(cost, null, 2)}\n`)
      // No limit in milliseconds, since the machine may be busy; only a missing measurement fails.
      expect(cost.scriptMsEach).toBeGreaterThan(0)
    }))
})
