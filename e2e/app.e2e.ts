// The packaged app on the real demo stack, as a person uses it: real Electron, and a desktop whose notifications are seen.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Anthropic from '@anthropic-ai/sdk'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { AppState, Bridge } from '../electron/contract.ts'
import { type Desktop, openDesktop } from './desktop.ts'
import { type LaunchOptions, type OpenedApp, openApp } from './electron-app.ts'
import { type ForegroundCore, openForegroundCore } from './foreground-core.ts'
import { hasFuses } from './fuse-wire.ts'
import { createNexus, type NexusUnderTest } from './nexus-command.ts'
import { packageForTest, readElectronVersion } from './packaged-app.ts'

const electronPath = process.env['NEXUS_TEST_ELECTRON'] ?? ''
const bundlesDir = process.env['NEXUS_TEST_APP'] ?? ''
/** Else it attaches to one. */
const hostsCore = process.env['NEXUS_TEST_HOSTS_CORE'] !== undefined
const root = join(import.meta.dirname, '..')
const picturesDir = join(root, 'out', 'test-results', 'app')
const settleMs = 120_000
/** Six streams on a machine that does other things too (seen: 208 s). */
const streamsMs = 10 * 60_000
const GuideSchema = z.object({ baseUrl: z.string(), apiKey: z.string() })

/** The buttons of the question before quitting. */
const answers = { leaveRunning: 0, stopEverything: 1, cancel: 2 } as const

/** In the window, where the functions given to `page.evaluate` run. */
declare const nexus: Bridge

const isReady = ({ snapshot }: AppState) => snapshot?.overall === 'ready'
const slotPhases = ({ snapshot }: AppState) => (snapshot?.slots ?? []).map(({ phase }) => phase)

/** Of every process of the machine, as any of its users may read them. */
const readAllCommandLines = (): string => {
  if (process.platform !== 'linux')
    return execFileSync('ps', ['-axww', '-o', 'command='], { encoding: 'utf8' })
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      } catch {
        // It ended since.
        return ''
      }
    })
    .join('\n')
}

describe.skipIf(electronPath === '')('the app on the demo stack', () => {
  const packages = mkdtempSync(join(tmpdir(), 'nexus-app-'))
  /** The packaged app; its bundles in a plain Electron where the fuses keep Playwright out of the package. */
  let launched: Pick<LaunchOptions, 'executablePath' | 'appDir'>
  let home: NexusUnderTest
  let desktop: Desktop
  let core: ForegroundCore | null = null
  let app: OpenedApp
  const opened: OpenedApp[] = []

  const launch = async (): Promise<void> => {
    app = await openApp({ ...launched, desktop, home: home.home })
    opened.push(app)
  }
  const picture = async (name: string): Promise<void> => {
    await app.page.screenshot({ path: join(picturesDir, `${name}.png`) })
  }
  const readGuide = async () => GuideSchema.parse(JSON.parse((await home.run('clients', '--json')).stdout))

  beforeAll(async () => {
    mkdirSync(picturesDir, { recursive: true })
    launched = hasFuses(readElectronVersion(electronPath))
      ? { executablePath: electronPath, appDir: bundlesDir }
      : {
          executablePath: (await packageForTest({ electronPath, appDir: bundlesDir }, packages)).program,
          appDir: null,
        }
    home = await createNexus()
    home.useProfile()
    desktop = await openDesktop()
    // As launchd would host the core, or another user's app: the old Electron cannot do it itself.
    if (!hostsCore) {
      core = await openForegroundCore(join(root, 'scripts', 'nexus'), {
        ...process.env,
        NEXUS_HOME: home.home,
      })
    }
    await launch()
  })

  afterAll(async () => {
    for (const each of opened) if (each.process.exitCode === null) each.process.kill('SIGKILL')
    await home?.dispose()
    await core?.close()
    await desktop?.close()
    rmSync(packages, { recursive: true, force: true })
  })

  it('starts everything by its button, up to a proved answer', async () => {
    await app.emit('activate')
    await app.press('Start everything')
    await app.until(isReady, settleMs)
    await app.untilShown('button', 'Stop everything')
    await picture('ready')
  })

  it('copies what a client needs with the key, which the window never sees', async () => {
    const answer = await app.page.evaluate(() => nexus.ask({ type: 'clients' }))
    const developer = answer.developers[0]
    const snippet = developer?.snippets.find(({ id }) => id === 'bash')
    if (developer === undefined || snippet === undefined) throw new Error('nothing to copy')
    const { apiKey, baseUrl } = await readGuide()
    expect(JSON.stringify(answer)).not.toContain(apiKey)
    const outcome = await app.page.evaluate((words) => nexus.act({ type: 'copySnippet', ...words }), {
      developer: developer.name,
      snippet: snippet.id,
    })
    expect(outcome).toEqual({ accepted: true })
    const copied = await app.electron.evaluate(({ clipboard }) => clipboard.readText())
    expect(copied).toContain(apiKey)
    expect(copied).toContain(baseUrl)
    expect(app.said()).not.toContain(apiKey)
    expect(readAllCommandLines()).not.toContain(apiKey)
  })

  it(
    'fills its slots under six streams, and notifies once that it is full, until it no longer is',
    async () => {
      const { apiKey, baseUrl } = await readGuide()
      const client = new Anthropic({ apiKey, baseURL: baseUrl, maxRetries: 0 })
      let enough = false
      const agents = Array.from({ length: 6 }, async (_, index) => {
        while (!enough) {
          const stream = client.messages.stream({
            model: 'claude-sonnet-5',
            max_tokens: 60,
            messages: [{ role: 'user', content: `Story number ${index}: count to a thousand in words.` }],
          })
          await stream.finalMessage()
        }
      })
      try {
        const full = await app.until(
          (state) => slotPhases(state).length === 4 && !slotPhases(state).includes('idle'),
          settleMs,
        )
        expect(full.snapshot?.overall).toBe('ready')
        await app.untilShown('h1', 'Full')
        await picture('full')
        const { snapshot } = await app.until(
          (state) => state.snapshot?.notices.some(({ id }) => id === 'slots-full') === true,
          settleMs,
        )
        const notice = snapshot?.notices.find(({ id }) => id === 'slots-full')
        const isIt = ({ title }: { readonly title: string }) => title === notice?.title
        await desktop.untilNotified(isIt, settleMs)
        expect((await app.state()).notificationsRefused).toBeNull()
        // A click on it opens the window where the cause is seen.
        await app.press('Plan')
        await app.untilCurrent('Plan')
        await app.electron.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.close())
        await expect.poll(() => app.isVisible()).toBe(false)
        await desktop.clickLatest()
        await expect.poll(() => app.isVisible()).toBe(true)
        await app.untilCurrent('Glance')
        // Full goes on for some looks more: it is not told again.
        const toldAt = snapshot?.takenAt ?? 0
        await app.until((state) => (state.snapshot?.takenAt ?? 0) >= toldAt + 3_000, settleMs)
        enough = true
        await Promise.all(agents)
        await app.until((state) => slotPhases(state).every((phase) => phase === 'idle'), settleMs)
        await desktop.untilWithdrawn(isIt, settleMs)
        expect(desktop.titlesRaised().filter((title) => title === notice?.title)).toHaveLength(1)
      } finally {
        enough = true
      }
    },
    streamsMs,
  )

  it('stops everything by its button, and starts it again', async () => {
    await app.press('Stop everything')
    await app.until(({ snapshot }) => snapshot?.overall === 'stopped', settleMs)
    await app.untilShown('button', 'Start everything')
    await app.press('Start everything')
    await app.until(isReady, settleMs)
  })

  describe('ends', () => {
    let enginePid: number | null = null
    const finds = async (): Promise<void> => {
      await launch()
      // A core that begins with this app first looks at what it finds.
      const { link, snapshot } = await app.until(
        hostsCore ? isReady : (state) => state.snapshot !== null,
        settleMs,
      )
      expect(snapshot?.overall).toBe('ready')
      expect(link.kind).toBe(hostsCore ? 'hosting' : 'attached')
      expect(snapshot?.services.llamaServer).toMatchObject({ pid: enginePid, adopted: hostsCore })
    }

    it('and leaves everything running when told to, and finds it again', async () => {
      enginePid = (await app.until(isReady, settleMs)).snapshot?.services.llamaServer.pid ?? null
      expect(enginePid).not.toBeNull()
      await app.answerQuestions(answers.leaveRunning)
      await app.quit()
      await finds()
    })

    it('by kill -9, and finds everything again', async () => {
      app.process.kill('SIGKILL')
      await app.ended()
      await finds()
    })

    it('not when the person thinks better of it, and asks once however often it is told', async () => {
      await app.answerQuestions(answers.cancel)
      await app.electron.evaluate(({ app: main }) => {
        main.quit()
        main.quit()
      })
      await expect.poll(() => app.questions()).toEqual(['Quit Opta Nexus?'])
      expect((await app.state()).snapshot?.overall).toBe('ready')
    })

    it('after it has stopped everything when told to', async () => {
      await app.answerQuestions(answers.stopEverything)
      await app.quit()
      if (hostsCore) {
        const { stdout } = await home.run('status', '--json')
        expect(JSON.parse(stdout)).toMatchObject({ running: false, orphans: [] })
        return
      }
      const { services } = await home.readSnapshot()
      expect([services.llamaServer.phase, services.proxy.phase]).toEqual(['stopped', 'stopped'])
    })
  })
})
