// The glance in a real Chromium: its main button, its cards and its footer.
import type { Page } from 'playwright'
import { describe, expect, test } from 'vitest'
import { actions, buildWindow, button, commands, patient } from './built-window.ts'
import { showState, showView, untilDrawn } from './renderer-window.ts'

const withWindow = buildWindow()

const pressAgain = async (page: Page, clickCount: number): Promise<void> => {
  await page.mouse.down({ clickCount })
  await page.mouse.up({ clickCount })
}

describe('the main button', () => {
  test('starts everything', () =>
    withWindow(async ({ page }) => {
      await showState(page, 'stopped')
      await button(page, 'Start everything').click()
      expect(await commands(page)).toEqual([{ type: 'start', only: null, profile: null, force: false }])
    }))

  test.each([
    ['Finish, then stop', false],
    ['Stop now', true],
  ])('says what stopping does to agents at work, then: %s', (choice, now) =>
    withWindow(async ({ page }) => {
      await button(page, 'Stop everything').click()
      expect(await commands(page)).toEqual([])
      await page.getByText('3 agents are being answered. Let them finish first, for up to 30 s?').waitFor()
      await button(page, choice).click()
      expect(await commands(page)).toEqual([{ type: 'stop', only: null, eject: false, now, force: false }])
    }),
  )

  test('Escape closes the question and hides nothing', () =>
    withWindow(async ({ page }) => {
      // The focus stays where the press has left it.
      await button(page, 'Stop everything').click()
      await page.getByText('3 agents are being answered').waitFor()
      await page.keyboard.press('Escape')
      await page.getByText('3 agents are being answered').waitFor({ state: 'detached' })
      expect(await actions(page)).toEqual([])
    }))

  test('a double click starts everything and does not cancel it', () =>
    withWindow(async ({ page }) => {
      await showState(page, 'stopped')
      await page.evaluate('probe.stopClock()')
      const at = await button(page, 'Start everything').boundingBox()
      if (at === null) throw new Error('the button is drawn')
      const [x, y] = [at.x + at.width / 2, at.y + at.height / 2]
      await page.mouse.click(x, y)
      await page.evaluate(`probe.show('starting')`)
      await untilDrawn(page)
      await pressAgain(page, 2)
      // However late: the system itself says that it is the same click's third press.
      await page.evaluate('probe.passTime(700)')
      await pressAgain(page, 3)
      const start = { type: 'start', only: null, profile: null, force: false }
      expect(await commands(page)).toEqual([start])
      await button(page, 'Cancel start').click()
      expect(await commands(page)).toEqual([
        start,
        { type: 'stop', only: null, eject: false, now: false, force: false },
      ])
    }))

  test('a press right after its action changed does nothing', () =>
    withWindow(async ({ page }) => {
      await showState(page, 'starting')
      await page.locator('.button-main:not([aria-disabled])').waitFor()
      await page.evaluate('probe.stopClock()')
      await page.evaluate(`(() => {
        const button = document.querySelector('.button-main')
        window.told = []
        const tell = () => window.told.push(button.getAttribute('aria-disabled'))
        new MutationObserver(tell).observe(button, { attributeFilter: ['aria-disabled'] })
        probe.show('idle')
      })()`)
      const stop = button(page, 'Stop everything')
      await stop.waitFor()
      await expect.poll(() => page.evaluate('window.told'), patient).toEqual(['true', null])
      await stop.click({ force: true })
      await page.evaluate('probe.passTime(699)')
      await stop.click({ force: true })
      expect(await commands(page)).toEqual([])
      await page.evaluate('probe.passTime(1)')
      await stop.click()
      expect(await commands(page)).toHaveLength(1)
    }))

  test('holding a key down presses it once', () =>
    withWindow(async ({ page }) => {
      await showState(page, 'stopped')
      await button(page, 'Start everything').focus()
      await page.keyboard.down('Enter')
      await page.keyboard.down('Enter')
      await page.keyboard.up('Enter')
      await untilDrawn(page)
      expect(await commands(page)).toHaveLength(1)
    }))

  test('stops an idle stack without a question, and sets up what is missing', () =>
    withWindow(async ({ page }) => {
      await showState(page, 'idle')
      await button(page, 'Stop everything').click()
      await showState(page, 'firstRun')
      await button(page, 'Set up and start').click()
      expect(await commands(page)).toEqual([
        { type: 'stop', only: null, eject: false, now: false, force: false },
        { type: 'start', only: null, profile: null, force: false, setUp: true },
      ])
    }))

  test('fetches a missing model, retries a failed one, and cancels one', () =>
    withWindow(async ({ page }) => {
      const models = page.getByRole('region', { name: 'Models' })
      await showState(page, 'modelMissing')
      await models.getByRole('button', { name: 'Fetch 69.8 GiB' }).click()
      await models.getByRole('button', { name: 'Fetch again' }).click()
      await showState(page, 'fetching')
      await models.getByText('26.4 of 69.8 GiB, 46 MiB/s, 16 min left').waitFor()
      await models.getByRole('button', { name: 'Cancel' }).first().click()
      const fetch = { type: 'fetchModel', endpoint: null, token: null }
      expect(await commands(page)).toEqual([
        { ...fetch, model: 'deepseek-r1-70b' },
        { ...fetch, model: 'meta-llama/Llama-3.3-70B-Instruct-GGUF' },
        { type: 'cancelFetch', id: 'unsloth/DeepSeek-R1-Distill-Llama-70B-GGUF:Q8_0' },
      ])
      await showState(page, 'guestFetching')
      await models.getByText('The profile studio needs this model, and it isn’t here.').waitFor()
      expect(await models.getByRole('button').allInnerTexts()).toEqual(['All models'])
    }))

  test('opens the models from the plan, and fetches one that fits; a guest only reads', () =>
    withWindow(async ({ page }) => {
      const model = (name: string) =>
        page.getByRole('row').filter({ has: page.getByRole('rowheader', { name, exact: true }) })
      await showView(page, 'plan')
      await button(page, 'Which models fit this machine').click()
      await page.getByText('best for agents').waitFor()
      expect(await model('Qwen3-Coder-Next').getByRole('cell').allInnerTexts()).toEqual([
        '256k',
        '16 s',
        '46.4 [1]',
      ])
      expect(await model('MiniMax-M2.7').getByRole('cell').allInnerTexts()).toEqual(['–', '50 s', '–'])
      expect(await page.getByRole('button', { name: /^Fetch.*: (Kimi|DeepSeek)/ }).count()).toBe(0)
      await button(page, 'Fetch 46.2 GiB: Qwen3-Coder-Next').click()
      expect(await commands(page)).toEqual([
        { type: 'fetchModel', model: 'qwen3-coder-next', endpoint: null, token: null },
      ])
      await showState(page, 'modelMissing')
      await button(page, 'Cancel: Llama-3.2-3B-Instruct').waitFor()
      await showState(page, 'guestFetching')
      await model('Qwen3-Coder-Next').waitFor()
      expect(await page.getByRole('button', { name: /^(Fetch|Cancel)/ }).count()).toBe(0)
    }))

  test('a plan that does not fit offers to start anyway', () =>
    withWindow(async ({ page }) => {
      await showState(page, 'tooLarge')
      await page.getByText('It does not fit').waitFor()
      await button(page, 'Start anyway').click()
      expect(await commands(page)).toEqual([{ type: 'start', only: null, profile: null, force: true }])
    }))

  test('a refusal is shown until dismissed', () =>
    withWindow(async ({ page }) => {
      await showState(page, 'stopped')
      await page.evaluate(`probe.answerWith({ accepted: false, reason: 'profile studio does not fit' })`)
      await button(page, 'Start everything').click()
      await page.getByRole('alert').getByText('Not done: profile studio does not fit').waitFor()
      await button(page, 'Dismiss').click()
      expect(await page.getByRole('alert').count()).toBe(0)
    }))
})

test('a foreign process is ended only after a second press', () =>
  withWindow(async ({ page }) => {
    await showState(page, 'foreign')
    await button(page, 'Replace it and start').click()
    expect(await commands(page)).toEqual([])
    await page.getByText('This ends llama-server (pid 812, user anna)').waitFor()
    await button(page, 'Yes: Replace it and start').click()
    expect(await commands(page)).toEqual([
      { type: 'start', only: 'llamaServer', profile: null, force: false, replaceForeign: true },
    ])
  }))

test('the reason for a missing Claude answer is shown once, beside its fix', () =>
  withWindow(async ({ page }) => {
    await showState(page, 'unproved')
    const reason = page.getByText('the Router got no answer from the AI Engine (500): Connection error.')
    expect(await reason.count()).toBe(1)
    await page.getByText('A Claude request was not answered').waitFor()
    await page.getByRole('region', { name: 'Last log lines of Router' }).waitFor()
    await button(page, 'Restart Router').click()
    expect(await commands(page)).toEqual([])
    await button(page, 'Yes: Restart Router').click()
    expect(await commands(page)).toEqual([{ type: 'restart', only: 'proxy' }])
    await button(page, 'Open log of Router').click()
    await page.getByLabel('Log of Router', { exact: true }).waitFor()
  }))

test('shows nothing old without a core', () =>
  withWindow(async ({ page }) => {
    await page.getByText('33.1').waitFor()
    for (const state of ['lost', 'connecting']) {
      await showState(page, state)
      const text = await page.locator('main').textContent()
      expect(text).not.toMatch(/t\/s|GB|anna|:4000/)
    }
  }))

test('a disk of another size is ejected and mounted again after a second press', () =>
  withWindow(async ({ page }) => {
    await showState(page, 'otherSize')
    await button(page, 'Eject and mount again').click()
    await page.getByText('Everything on the RAM disk is lost').waitFor()
    expect(await commands(page)).toEqual([])
    await page.getByRole('button', { name: 'Yes: Eject and mount again' }).click()
    const eject = { type: 'stop', only: 'ramDisk', eject: true, now: false, force: false }
    const start = { type: 'start', only: 'ramDisk', profile: null, force: false }
    await expect.poll(() => commands(page), patient).toEqual([eject, start])
    await page.evaluate(`probe.showView({ id: 'logs', service: 'ramDisk' })`)
    await button(page, 'Start Build Forge').waitFor()
    await button(page, 'Eject Build Forge').click()
    await button(page, 'Yes: Eject Build Forge').click()
    expect(await commands(page)).toEqual([eject, start, eject])
  }))

test('a refused eject is not followed by a mount', () =>
  withWindow(async ({ page }) => {
    await showState(page, 'otherSize')
    await page.evaluate(`probe.answerWith({ accepted: false, reason: 'the RAM disk is in use by cargo' })`)
    await button(page, 'Eject and mount again').click()
    await page.getByRole('button', { name: 'Yes: Eject and mount again' }).click()
    await page.getByRole('alert').getByText('in use by cargo').waitFor()
    expect(await commands(page)).toHaveLength(1)
  }))

test('the footer copies for one developer and one shell, without ever seeing the key', () =>
  withWindow(async ({ page }) => {
    await page.getByLabel('Whose key to copy').selectOption('ben')
    await button(page, 'Copy the settings of ben for PowerShell').click()
    await page.getByRole('status').getByText('Copied').waitFor()
    expect(await actions(page)).toEqual([{ type: 'copySnippet', developer: 'ben', snippet: 'powershell' }])
  }))

test('copying the address is confirmed', () =>
  withWindow(async ({ page }) => {
    await button(page, '192.168.1.20:4000').click()
    await page.getByRole('status').getByText('Address copied').waitFor()
    expect(await actions(page)).toEqual([{ type: 'copyText', text: 'http://192.168.1.20:4000' }])
  }))
