// The window's behaviour in a real Chromium: keys, buttons and fields; and a snapshot redraws only what it changes.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sampleAnswers } from '../renderer/test-support/sample-answers.ts'
import { sampleStates } from '../renderer/test-support/sample-states.ts'
import { appVariants } from '../scripts/app-variants.ts'
import { buildRenderer } from '../scripts/renderer-build.ts'
import {
  bundleFakeBridge,
  launchChromium,
  type OpenedWindow,
  openWindow,
  showState,
  showView,
  untilDrawn,
} from './renderer-window.ts'

const root = join(import.meta.dirname, '..')
let dir: string
let browser: Browser
let bridge: string

beforeAll(async () => {
  const executablePath = process.env['NEXUS_TEST_CHROMIUM']
  if (executablePath === undefined)
    throw new Error('NEXUS_TEST_CHROMIUM names no Chromium: run scripts/test, which installs one')
  dir = await mkdtemp(join(tmpdir(), 'nexus-window-'))
  await buildRenderer(root, { target: appVariants.shipped.windowTarget, outDir: dir })
  bridge = await bundleFakeBridge(root)
  browser = await launchChromium(executablePath)
})

afterAll(async () => {
  await browser?.close()
  if (dir !== undefined) await rm(dir, { recursive: true, force: true })
})

const withWindow = async (
  use: (opened: OpenedWindow & { readonly page: Page }) => Promise<void>,
): Promise<void> => {
  const look = { width: 420, height: 760, scheme: 'dark', scale: 1 } as const
  const opened = await openWindow(browser, { dir, bridge, look })
  try {
    await use(opened)
    expect(opened.complaints).toEqual([])
  } finally {
    await opened.close()
  }
}

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })
/** The machine that runs this may be busy. */
const patient = { timeout: 20_000 } as const
const commands = (page: Page): Promise<unknown> => page.evaluate('probe.commands')
const actions = (page: Page): Promise<unknown> => page.evaluate('probe.actions')

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

test('in the narrowest window every log and the pin can be reached', async () => {
  const look = { width: 340, height: 760, scheme: 'dark', scale: 1 } as const
  const { page, close } = await openWindow(browser, { dir, bridge, look })
  try {
    await showState(page, 'gateway')
    await showView(page, 'logs')
    const reach: unknown = await page.evaluate(
      `[...document.querySelectorAll('.choice, .tab')].map((e) => e.getBoundingClientRect().right).filter((right) => right > 340)`,
    )
    expect(reach).toEqual([])
    expect(await button(page, 'Gateway').count()).toBe(1)
  } finally {
    await close()
  }
})

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
