// The app as the benchmark drives it: attached to the stack's core, on a desktop without a screen.
import { type ElectronApplication, _electron as electron, type Page } from 'playwright'
import { electronFlags, openDesktop } from '../e2e/desktop.ts'
import { listProcessTree } from './bench-processes.ts'
import type { BenchStack } from './bench-stack.ts'

export interface BenchApp {
  /** All processes of the app. */
  pids(): readonly number[]
  /** ms from a click on the icon until the present numbers were painted; hides the window again. */
  measureOpening(): Promise<number>
  /** Shows the window for `ms`; of that, ms of scripting for each snapshot that it was given. */
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
    // As at login: else the window is there already when it is opened for the first time.
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
      // Its own quit would ask what to do with the services.
      app.process().kill('SIGTERM')
      await app.waitForEvent('close')
      await desktop.close()
    },
  }
}

// Texts, since they run in the window: these sources are checked without a browser's types.

const untilAttached = `new Promise((resolve) => {
  const end = nexus.onState(({ snapshot }) => {
    if (snapshot === null) return
    resolve(snapshot.overall)
    setTimeout(() => end())
  })
})`

/** Armed once the present state was told: the next is what being shown brings. A message comes after the frame is made. */
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

/** The clocks of both processes are the system's, in ms. */
const measureOpening = async (app: ElectronApplication, page: Page): Promise<number> => {
  await page.evaluate(armPainted)
  // What a click on the icon does too (electron/shell/exits.ts); plain Xvfb has no place for icons.
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
  // CPU time of the thread, so that what else the machine does is not counted.
  await session.send('Performance.enable', { timeDomain: 'threadTicks' })
  const scriptSeconds = async () => {
    const { metrics } = await session.send('Performance.getMetrics')
    const found = metrics.find(({ name }) => name === 'ScriptDuration')
    if (found === undefined) throw new Error('Chromium tells no ScriptDuration')
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
  if (states === 0) throw new Error('the window was given no snapshot while it was shown')
  return spentMs / states
}
