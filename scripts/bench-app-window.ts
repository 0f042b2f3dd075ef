// What the app's window costs, measured from outside: how soon it shows numbers, and its scripting for each snapshot.
import type { OpenedApp } from '../e2e/electron-app.ts'

// A string, because it runs in the window, and these sources are checked without browser types.
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

/**
 * ms from a click on the icon until the current numbers are painted; hides the window again. Both processes use the system
 * clock, in ms.
 */
export const measureOpening = async ({ electron, page }: OpenedApp): Promise<number> => {
  await page.evaluate(armPainted)
  // A click on the icon does the same (electron/shell/exits.ts); plain Xvfb has no place for icons.
  const clickedAt = await electron.evaluate(({ app }) => {
    const at = Date.now()
    app.emit('second-instance')
    return at
  })
  const paintedAt = Number(await page.evaluate('window.benchPainted'))
  await hide(electron)
  return paintedAt - clickedAt
}

const hide = (electron: OpenedApp['electron']): Promise<void> =>
  electron.evaluate(({ BrowserWindow }) => {
    for (const window of BrowserWindow.getAllWindows()) window.hide()
  })

/** Shows the window for `ms`, and returns the ms of scripting per snapshot. */
export const measureScripting = async (app: OpenedApp, ms: number): Promise<number> => {
  const { page } = app
  const session = await page.context().newCDPSession(page)
  // CPU time of the thread, so that other load on the machine doesn't count.
  await session.send('Performance.enable', { timeDomain: 'threadTicks' })
  const scriptSeconds = async () => {
    const { metrics } = await session.send('Performance.getMetrics')
    const found = metrics.find(({ name }) => name === 'ScriptDuration')
    if (found === undefined) throw new Error('Chromium reports no ScriptDuration')
    return found.value
  }
  await app.emit('second-instance')
  await page.evaluate('window.benchStates = 0; nexus.onState(() => { window.benchStates += 1 })')
  await page.waitForTimeout(1_000)
  const statesBefore = Number(await page.evaluate('window.benchStates'))
  const before = await scriptSeconds()
  await page.waitForTimeout(ms)
  const spentMs = ((await scriptSeconds()) - before) * 1000
  const states = Number(await page.evaluate('window.benchStates')) - statesBefore
  await hide(app.electron)
  if (states === 0) throw new Error('the window got no snapshot while it was shown')
  return spentMs / states
}
