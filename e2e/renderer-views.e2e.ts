// The other views in a real Chromium: logs, the doctor, settings.
import { join } from 'node:path'
import type { Page } from 'playwright'
import { describe, expect, test } from 'vitest'
import { sampleAnswers } from '../renderer/test-support/sample-answers.ts'
import { sampleStates } from '../renderer/test-support/sample-states.ts'
import { actions, buildWindow, button, commands, patient, root } from './built-window.ts'
import { showState, showView } from './renderer-window.ts'

const withWindow = buildWindow()

test('a log is followed, filtered and copied', () =>
  withWindow(async ({ page }) => {
    await showView(page, 'logs')
    await page.evaluate(`probe.addLogLines('llamaServer', ['slot 3 is released', 'slot 2 reads'])`)
    await page.evaluate(`probe.addLogLines('proxy', ['another log'])`)
    await page.getByText('slot 2 reads').waitFor()
    expect(await page.getByText('another log').count()).toBe(0)
    await page.getByLabel('Show only lines with these words').fill('RELEASED')
    await page.getByText('slot 2 reads').waitFor({ state: 'detached' })
    await button(page, 'Copy 1 line').click()
    expect(await actions(page)).toEqual([{ type: 'copyText', text: 'slot 3 is released' }])
  }))

describe('a long log', () => {
  const lines = (from: number, count: number) =>
    JSON.stringify(Array.from({ length: count }, (_, index) => `line ${from + index}`))
  const place = `(({ scrollTop, scrollHeight, clientHeight }) => ({ scrollTop, below: scrollHeight - scrollTop - clientHeight }))(document.querySelector('.log'))`
  const read = (page: Page): Promise<{ readonly scrollTop: number; readonly below: number }> =>
    page.evaluate(place)
  const openLongLog = async (page: Page) => {
    await page.evaluate(`probe.answerTailWith(${lines(0, 200)})`)
    await showView(page, 'logs')
    await page.getByText('line 199', { exact: true }).waitFor()
  }
  const follow = (page: Page) => page.getByLabel('Follow', { exact: true })

  test('stays where the keyboard has scrolled it, and follows again from its end', () =>
    withWindow(async ({ page }) => {
      await openLongLog(page)
      expect((await read(page)).below).toBeLessThan(8)
      await page.getByLabel('Log of AI Engine').focus()
      await page.keyboard.press('PageUp')
      await expect.poll(async () => (await read(page)).below, patient).toBeGreaterThan(100)
      await follow(page).and(page.locator(':not(:checked)')).waitFor()
      await page.evaluate(`probe.addLogLines('llamaServer', ${lines(200, 1)})`)
      await page.getByText('line 200', { exact: true }).waitFor({ state: 'attached' })
      expect((await read(page)).below).toBeGreaterThan(100)
      await page.keyboard.press('End')
      await follow(page).and(page.locator(':checked')).waitFor()
      await page.evaluate(`probe.addLogLines('llamaServer', ${lines(201, 20)})`)
      await page.getByText('line 220', { exact: true }).waitFor()
      await expect.poll(async () => (await read(page)).below, patient).toBeLessThan(8)
    }))

  test('shows what another core wrote before it was followed', () =>
    withWindow(async ({ page }) => {
      await openLongLog(page)
      await page.evaluate(`probe.answerTailWith(['by the new core'])`)
      const { busy } = sampleStates
      const snapshot = { ...busy.snapshot, owner: { ...busy.snapshot.owner, pid: 4999 } }
      await page.evaluate(`probe.showState(${JSON.stringify({ ...busy, snapshot })})`)
      await page.getByText('by the new core').waitFor()
    }))

  test('with an unreadable tail still shows new lines', () =>
    withWindow(async ({ page }) => {
      await page.evaluate('probe.answerTailWith(null)')
      await page.evaluate(`probe.showView({ id: 'logs', service: null })`)
      await page.getByText('Could not read the log: the log cannot be opened').waitFor()
      await page.evaluate(`probe.addLogLines('llamaServer', ['slot 3 is released'])`)
      await page.getByText('slot 3 is released').waitFor()
    }))
})

test('ejecting the RAM disk is asked for twice', () =>
  withWindow(async ({ page }) => {
    await page.evaluate(`probe.showView({ id: 'logs', service: 'ramDisk' })`)
    await button(page, 'Eject Build Forge').click()
    await page.getByText('Everything on the RAM disk is lost').waitFor()
    expect(await commands(page)).toEqual([])
    await button(page, 'Yes: Eject Build Forge').click()
    expect(await commands(page)).toEqual([
      { type: 'stop', only: 'ramDisk', eject: true, now: false, force: false },
    ])
  }))

test('Enter twice ejects nothing: the safe choice has the focus', () =>
  withWindow(async ({ page }) => {
    await page.evaluate(`probe.showView({ id: 'logs', service: 'ramDisk' })`)
    const eject = button(page, 'Eject Build Forge')
    await eject.focus()
    await page.keyboard.press('Enter')
    await page.getByText('Everything on the RAM disk is lost').waitFor()
    await page.keyboard.press('Enter')
    await page.getByText('Everything on the RAM disk is lost').waitFor({ state: 'detached' })
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Eject Build Forge')
    await eject.dblclick()
    await page.getByText('Everything on the RAM disk is lost').waitFor()
    expect(await commands(page)).toEqual([])
  }))

test('a question does not reappear by itself after its reason is gone', () =>
  withWindow(async ({ page }) => {
    await showView(page, 'logs')
    await button(page, 'Restart AI Engine').click()
    await page
      .getByText('3 agents are being answered. Requests that don’t finish in time are lost.')
      .waitFor()
    await showState(page, 'idle')
    await button(page, 'Restart AI Engine').waitFor()
    const filter = page.getByLabel('Show only lines with these words')
    await filter.focus()
    await showState(page, 'busy')
    await button(page, 'Restart AI Engine').waitFor()
    expect(await page.getByText('agents are being answered').count()).toBe(0)
    expect(await page.evaluate(`document.activeElement.getAttribute('aria-label')`)).toBe(
      'Show only lines with these words',
    )
    expect(await commands(page)).toEqual([])
  }))

test('choosing another log keeps the focus at the choice, and a notification shows the log that it names', () =>
  withWindow(async ({ page }) => {
    await showView(page, 'logs')
    await button(page, 'Router').focus()
    await page.keyboard.press('Enter')
    await page.getByLabel('Log of Router').waitFor()
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Router')
    await button(page, 'Nexus').click()
    await page.getByLabel('Log of Nexus').waitFor()
    await page.evaluate(`probe.showView({ id: 'logs', service: 'llamaServer' })`)
    await page.getByLabel('Log of AI Engine').waitFor()
  }))

test('in the narrowest window every log and the pin can be reached', () =>
  withWindow(
    async ({ page }) => {
      await showState(page, 'gateway')
      await showView(page, 'logs')
      const reach: unknown = await page.evaluate(
        `[...document.querySelectorAll('.choice, .tab')].map((e) => e.getBoundingClientRect().right).filter((right) => right > 340)`,
      )
      expect(reach).toEqual([])
      expect(await button(page, 'Gateway').count()).toBe(1)
    },
    { width: 340 },
  ))

test('questions are asked again when the window is shown again, and when the stack has changed', () =>
  withWindow(async ({ page }) => {
    await showView(page, 'doctor')
    await page.getByText(/checked \d\d:\d\d/).waitFor()
    const count = async (): Promise<number> =>
      Number(await page.evaluate(`probe.questions.filter((type) => type === 'doctor').length`))
    const before = await count()
    await page.evaluate(`document.dispatchEvent(new Event('visibilitychange'))`)
    await expect.poll(count, patient).toBe(before + 1)
    await showState(page, 'stopped')
    await expect.poll(count, patient).toBe(before + 2)
  }))

describe('settings', () => {
  test('Escape in a field leaves the field, then the view, and what was typed is kept', () =>
    withWindow(async ({ page }) => {
      await showView(page, 'settings')
      await page.getByLabel('Router port').fill('4100')
      await page.keyboard.press('Escape')
      expect(await page.getByLabel('Router port').inputValue()).toBe('4100')
      await page.keyboard.press('Escape')
      await page.getByRole('heading', { name: 'Ready' }).waitFor()
      expect(await actions(page)).toEqual([])
      await showView(page, 'settings')
      expect(await page.getByLabel('Router port').inputValue()).toBe('4100')
      await button(page, 'Revert').click()
      expect(await page.getByLabel('Router port').inputValue()).toBe('4000')
    }))

  test('an invalid value is rejected at its field and not sent; a valid one is', () =>
    withWindow(async ({ page }) => {
      await showView(page, 'settings')
      const port = page.getByLabel('Router port')
      await port.fill('70000')
      await page.getByText('a TCP port: a whole number from 1 to 65535').waitFor()
      expect(await port.getAttribute('aria-invalid')).toBe('true')
      expect(await button(page, 'Save').isDisabled()).toBe(true)
      await port.fill('4100')
      await button(page, 'Save').click()
      expect(await commands(page)).toEqual([
        {
          type: 'configure',
          revision: 'sha256-1f2e',
          config: expect.objectContaining({
            profiles: { studio: { llamaServer: { slots: 4 }, proxy: { port: 4100 } } },
          }),
        },
      ])
    }))

  test('after a conflicting save, changes are kept on top of the other ones and can be saved', () =>
    withWindow(async ({ page }) => {
      await showView(page, 'settings')
      await page.getByLabel('Router port').fill('4100')
      await page.evaluate(`probe.answerWith({ accepted: false, reason: 'has been changed in the meantime' })`)
      const { config } = sampleAnswers(sampleStates.busy).settings
      const theirs = { revision: 'sha256-9a9a', config: { ...config, drainSeconds: 90 } }
      await page.evaluate(`probe.changeSettings(${JSON.stringify(theirs)})`)
      await button(page, 'Save').focus()
      await page.keyboard.press('Enter')
      await page.getByText('your changes are kept on top of it').waitFor()
      expect(await page.getByLabel('Router port').inputValue()).toBe('4100')
      await page.evaluate('probe.answerWith({ accepted: true })')
      await page.keyboard.press('Enter')
      await page.getByRole('status').getByText('Saved', { exact: true }).waitFor()
      expect(await commands(page)).toMatchObject([{ revision: 'sha256-1f2e' }, { revision: 'sha256-9a9a' }])
      expect(await page.evaluate('document.activeElement.textContent')).toBe('Save')
    }))

  test('a profile from a file is shown and edited there; the rest is saved', () =>
    withWindow(async ({ page }) => {
      await showState(page, 'fileProfile')
      await showView(page, 'settings')
      await page.getByText('edit ./mine.json').waitFor()
      expect(await page.getByLabel('Router port').isEditable()).toBe(false)
      await page.getByLabel('Drain').fill('60')
      await button(page, 'Save').click()
      expect(await commands(page)).toEqual([
        {
          type: 'configure',
          revision: 'sha256-1f2e',
          config: expect.objectContaining({
            drainSeconds: 60,
            profiles: { studio: { llamaServer: { slots: 4 } } },
          }),
        },
      ])
      await page.screenshot({
        path: join(root, 'out', 'test-results', 'renderer', 'settings-file-profile.png'),
      })
    }))

  test('values that need a restart are listed, and applied after a second press', () =>
    withWindow(async ({ page }) => {
      await showView(page, 'settings')
      await page.getByText('runs with 4, configured: 6').waitFor()
      await button(page, 'Restart everything').click()
      await page
        .getByText('3 agents are being answered. Requests that don’t finish in time are lost.')
        .waitFor()
      await button(page, 'Yes: Restart everything').click()
      expect(await commands(page)).toEqual([{ type: 'restart', only: null }])
    }))

  test('a forge of another size is ejected before everything is restarted', () =>
    withWindow(async ({ page }) => {
      await showState(page, 'degraded')
      await showView(page, 'settings')
      await page.getByText('runs with 65536, configured: 32768').waitFor()
      expect(await button(page, 'Restart everything').count()).toBe(0)
      await button(page, 'Eject Build Forge').click()
      await button(page, 'Yes: Eject Build Forge').click()
      expect(await commands(page)).toEqual([
        { type: 'stop', only: 'ramDisk', eject: true, now: false, force: false },
      ])
      await showState(page, 'noRamDisk')
      await button(page, 'Restart everything').waitFor()
    }))

  test('a key is created only for a valid name, and revoked after a second press', () =>
    withWindow(async ({ page }) => {
      await showView(page, 'settings')
      const name = page.getByLabel('Name of a new developer')
      await name.fill('not a name')
      await page.getByText('1 to 32 letters, digits, dots, dashes or underscores').waitFor()
      expect(await button(page, 'Create key').isDisabled()).toBe(true)
      await name.fill('carla')
      await button(page, 'Create key').click()
      await button(page, 'Revoke the key of ben').first().click()
      await page.getByText('Agents with this key are refused at once.').waitFor()
      expect(await commands(page)).toEqual([{ type: 'key', action: 'create', developer: 'carla' }])
    }))
})
