// The cost of the app: time until its window shows numbers, scripting per snapshot, idling with the window closed, size.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { openDesktop } from '../e2e/desktop.ts'
import { type OpenedApp, openApp } from '../e2e/electron-app.ts'
import { buildRenderer } from './app-build.ts'
import { askEngine } from './ask-servers.ts'
import { againstLimit, type Comparison, sumOf } from './bench-report.ts'
import type { BenchStack } from './bench-stack.ts'
import { undisturbed } from './bench-undisturbed.ts'
import { listProcessTree, measureCpuPercent } from './processes.ts'
import { say } from './run-script.ts'
import { setUpAppTests } from './test-tools.ts'

const limits = { openingMs: 100, scriptingMs: 5, idleCpuPercent: 0.5, windowKb: 350 } as const
const readyTimeoutMs = 120_000
const settleMs = 5_000
const idleSeconds = 60
const busyMs = 20_000

/** Uses the old Electron that can be installed everywhere and the lowered build, except for the size. */
export const benchApp = async (stack: BenchStack, runs: number): Promise<readonly Comparison[]> => {
  const { root, signal } = stack
  const found = await setUpAppTests(
    root,
    {
      runtimeDir: stack.folder.runtimeDir,
      resourcesDir: join(root, 'resources'),
      report: ({ message }) => say('bench', message),
      signal,
    },
    'compatibility',
  )
  const { NEXUS_TEST_ELECTRON: executablePath, NEXUS_TEST_APP: appDir } = found
  if (executablePath === undefined || appDir === undefined)
    throw new Error('there is no Electron for this platform')
  await stack.up()
  const { owner } = await stack.until()
  const desktop = await openDesktop()
  const app = await openApp({ executablePath, appDir, desktop, home: stack.home })
  try {
    await app.until(({ snapshot }) => snapshot !== null, readyTimeoutMs)
    const { openingMs, scriptingMs, idleCpuPercent, windowKb } = limits
    // The first time the window is shown, it paints everything.
    const first = await measureOpening(app)
    const openings: number[] = []
    for (let run = 0; run < runs; run += 1) openings.push(await measureOpening(app))
    const scripting = await undisturbed(stack, () => whileBusy(stack, () => measureScripting(app, busyMs)))
    await sleep(settleMs, undefined, { signal })
    // The core's process counts too: an app has one.
    const pids = [...listProcessTree(app.process.pid ?? 0), owner.pid]
    const idle = await undisturbed(stack, () => measureCpuPercent(pids, idleSeconds, signal))
    return [
      againstLimit('window from click to painted numbers', 'ms', openingMs, openings),
      againstLimit('the same, the first time', 'ms', openingMs, [first], false),
      againstLimit('scripting of the window for a snapshot, all slots busy', 'ms', scriptingMs, [scripting]),
      againstLimit(`CPU of the app and its core over ${idleSeconds} s, window closed`, '%', idleCpuPercent, [
        idle,
      ]),
      againstLimit('the window, gzipped, as shipped', 'KB', windowKb, [await measureWindowKb(root)]),
    ]
  } finally {
    // Its own quit would ask about the services.
    app.process.kill('SIGTERM')
    await app.ended()
    await desktop.close()
    await stack.down()
  }
}

/** Every slot generates meanwhile, so that each snapshot differs from the last one in many places. */
const whileBusy = async (stack: BenchStack, measure: () => Promise<number>): Promise<number> => {
  const end = new AbortController()
  const requests = [1, 2, 3, 4].map((request) => generate(stack, request, end.signal))
  try {
    await stack.until(({ slots }) => slots?.every(({ phase }) => phase !== 'idle') === true)
    return await measure()
  } finally {
    end.abort()
    await Promise.all(requests)
  }
}

const generate = async (stack: BenchStack, request: number, end: AbortSignal): Promise<void> => {
  const body = { prompt: `Story ${request}:`, n_predict: -1, ignore_eos: true, stream: true }
  try {
    const response = await askEngine(stack, '/completion', body, end)
    for await (const _ of response.body ?? []) end.throwIfAborted()
  } catch (error) {
    if (!end.aborted) throw error
  }
}

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
const measureOpening = async ({ electron, page }: OpenedApp): Promise<number> => {
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
const measureScripting = async (app: OpenedApp, ms: number): Promise<number> => {
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

const measureWindowKb = async (root: string): Promise<number> => {
  const outDir = join(root, 'out', 'bench-window')
  await buildRenderer(root, outDir, 'shipped')
  const files = readdirSync(outDir).map((name) => readFileSync(join(outDir, name)))
  return sumOf(files.map((file) => gzipSync(file, { level: 9 }).length)) / 1000
}
