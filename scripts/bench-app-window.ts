// Drives the app for the benchmark: attached to the stack's core, on a virtual display.
import { type ElectronApplication, _electron as electron, type Page } from 'playwright'
import { electronFlags, openDesktop } from '../e2e/desktop.ts'
import { listProcessTree } from './bench-processes.ts'
import type { BenchStack } from './bench-stack.ts'

export interface BenchApp {
  /** All processes of the app. */
  pids(): readonly number[]
  /** ms from a click on the icon until the current numbers are painted; hides the window again. */
  measureOpening(): Promise<number>
  /** Shows the window for `ms`, and returns the ms of scripting per snapshot. */
  measureScripting(ms: number): Promise<number>
  close(): Promise<void>
}

export const openBenchApp = async (
  stack: BenchStack,
  electronPath: string,
  appDir: string,
): Promise<BenchApp> => {
  const desktop = await openDesktop()
  const app = await electron.launch({
    executablePath: electronPath,
    // As at login: otherwise the window is already shown when it is first opened.
    args: [...electronFlags, '--hidden', appDir],
    env: { ...process.env, ...desktop.env, NEXUS_HOME: stack.folder.root },
  })
  const page = await app.firstWindow()
  await page.waitForLoadState('load')
  await page.evaluate(untilAttached)
  return {
    pids: () => listProcessTree(app.process().pid ?? 0),
    measureOpening: () => measureOpening(app, page),
    measureScripting: (ms) => measureScripting(app, page, ms),
    close: async () => {
      // Its own quit would ask about the services.
      app.process().kill('SIGTERM')
      await app.waitForEvent('close')
      await desktop.close()
    },
  }
}

// Strings, because they run in the window, and these sources are checked without browser types.

const untilAttached = `new Promise((resolve) => {
  const end = nexus.onState(({ snapshot }) => {
    if (snapshot === null) return
    resolve(snapshot.overall)
    setTimeout(() => end())
  })
})`

/** Armed after the current state: the next one comes from being shown. A message arrives after the frame is made. */
const armPainted = `new Promise((armed) => {
  let told = 0
  window.benchPainted = new Promise((resolve) => {
    const end = nexus.onState(() => {
      told += 1
      if (told === 1) return armed()
      end()
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel()
        port1.onmessage = () => resolve(Date.now())
        port2.postMessage(null)
      })
    })
  })
})`

/** Both processes use the system clock, in ms. */
const measureOpening = async (app: ElectronApplication, page: Page): Promise<number> => {
  await page.evaluate(armPainted)
  // A click on the icon does the same (electron/shell/exits.ts); plain Xvfb has no place for icons.
  const clickedAt = await app.evaluate(({ app: main }) => {
    const at = Date.now()
    main.emit('second-instance')
    return at
  })
  const paintedAt = Number(await page.evaluate('window.benchPainted'))
  await hide(app)
  return paintedAt - clickedAt
}

const hide = (app: ElectronApplication): Promise<void> =>
  app.evaluate(({ BrowserWindow }) => {
    for (const window of BrowserWindow.getAllWindows()) window.hide()
  })

const measureScripting = async (app: ElectronApplication, page: Page, ms: number): Promise<number> => {
  const session = await page.context().newCDPSession(page)
  // CPU time of the thread, so that other load on the machine doesn't count.
  await session.send('Performance.enable', { timeDomain: 'threadTicks' })
  const scriptSeconds = async () => {
    const { metrics } = await session.send('Performance.getMetrics')
    const found = metrics.find(({ name }) => name === 'ScriptDuration')
    if (found === undefined) throw new Error('Chromium reports no ScriptDuration')
    return found.value
  }
  await app.evaluate(({ app: main }) => void main.emit('second-instance'))
  await page.evaluate('window.benchStates = 0; nexus.onState(() => { window.benchStates += 1 })')
  await page.waitForTimeout(1_000)
  const statesBefore = Number(await page.evaluate('window.benchStates'))
  const before = await scriptSeconds()
  await page.waitForTimeout(ms)
  const spentMs = ((await scriptSeconds()) - before) * 1000
  const states = Number(await page.evaluate('window.benchStates')) - statesBefore
  await hide(app)
  if (states === 0) throw new Error('the window got no snapshot while it was shown')
  return spentMs / states
}
