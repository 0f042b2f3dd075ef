// The packaged app on the real demo stack, used like a person: real Electron, and a desktop with visible notifications.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Anthropic from '@anthropic-ai/sdk'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { AppState, Bridge } from '../electron/contract/app.ts'
import type { Snapshot } from '../electron/contract/snapshot.ts'
import { listPids, readArgv } from '../scripts/processes.ts'
import { untilNoCore } from './core-end.ts'
import { type Desktop, openDesktop } from './desktop.ts'
import { type LaunchOptions, type OpenedApp, openApp } from './electron-app.ts'
import { hasFuses } from './fuse-wire.ts'
import { createNexus, endlessAnswers, type NexusUnderTest } from './nexus-command.ts'
import { packageForTest, readElectronVersion } from './packaged-app.ts'

const electronPath = process.env['NEXUS_TEST_ELECTRON'] ?? ''
const bundlesDir = process.env['NEXUS_TEST_APP'] ?? ''
const root = join(import.meta.dirname, '..')
const picturesDir = join(root, 'out', 'test-results', 'app')
const settleMs = 120_000
/** Six streams on a busy machine (observed: 208 s). */
const streamsMs = 10 * 60_000
const GuideSchema = z.object({ baseUrl: z.string(), apiKey: z.string() })

/** The buttons of the question before quitting. */
const answers = { leaveRunning: 0, stopEverything: 1, cancel: 2 } as const

/** In the window, where the functions given to `page.evaluate` run. */
declare const nexus: Bridge

const isReady = ({ snapshot }: AppState) => snapshot?.overall === 'ready'
const slotPhases = ({ snapshot }: AppState) => (snapshot?.slots ?? []).map(({ phase }) => phase)

/** The process group: ps reports it on Linux and macOS. */
const readGroupId = (pid: number): number =>
  Number(execFileSync('ps', ['-o', 'pgid=', '-p', String(pid)], { encoding: 'utf8' }))

/** Command lines of every process on the machine, which any user may read. */
const readAllCommandLines = (): string => {
  if (process.platform !== 'linux')
    return execFileSync('ps', ['-axww', '-o', 'command='], { encoding: 'utf8' })
  return listPids()
    .map((pid) => readArgv(pid)?.join('\0') ?? '')
    .join('\n')
}

describe.skipIf(electronPath === '')('the app on the demo stack', () => {
  const packages = mkdtempSync(join(tmpdir(), 'nexus-app-'))
  /** The packaged app; its bundles in a plain Electron where the fuses keep Playwright out of the package. */
  let launched: Pick<LaunchOptions, 'executablePath' | 'appDir'>
  let home: NexusUnderTest
  let desktop: Desktop
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
    home = await createNexus({ llamaServer: endlessAnswers })
    home.useProfile()
    desktop = await openDesktop()
    await launch()
  })

  afterAll(async () => {
    for (const each of opened) if (each.process.exitCode === null) each.process.kill('SIGKILL')
    await home?.dispose()
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

  it('copies the client settings with the key, which the window never sees', async () => {
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
        // A click on it opens the view that shows the cause.
        await app.press('Plan')
        await app.untilCurrent('Plan')
        await app.electron.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.close())
        await expect.poll(() => app.isVisible()).toBe(false)
        await desktop.clickLatest()
        await expect.poll(() => app.isVisible()).toBe(true)
        await app.untilCurrent('Glance')
        // It stays full for a few more polls, without another notification.
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
    let before: Snapshot
    const pidsOf = ({ owner, services }: Snapshot) => ({
      core: owner.pid,
      engine: services.llamaServer.pid ?? 0,
      router: services.proxy.pid ?? 0,
    })
    const remember = async (): Promise<void> => {
      const { snapshot } = await app.until(isReady, settleMs)
      if (snapshot === null) throw new Error('there is no snapshot')
      before = snapshot
    }
    const expectAlive = (...pids: readonly number[]) => {
      // Throws for a process that has gone.
      for (const pid of pids) process.kill(pid, 0)
    }
    const expectServing = async () => {
      expect((await fetch(`http://127.0.0.1:${home.enginePort}/health`)).status).toBe(200)
      expect((await fetch(`http://127.0.0.1:${home.routerPort}/health/liveliness`)).status).toBe(200)
    }
    /** Opened again, the app shows the same core with the same servers. */
    const findsTheSame = async (): Promise<void> => {
      const { core, engine, router } = pidsOf(before)
      expectAlive(core, engine, router)
      await expectServing()
      await launch()
      const { link, snapshot } = await app.until((state) => state.snapshot !== null, settleMs)
      expect(link).toEqual({ kind: 'attached', pid: core, user: null })
      expect(snapshot?.overall).toBe('ready')
      expect(snapshot?.services.llamaServer).toMatchObject({ pid: engine, adopted: false })
    }

    it('and leaves everything running on request, and finds it again', async () => {
      await remember()
      expect(pidsOf(before).core).not.toBe(app.process.pid)
      await app.answerQuestions(answers.leaveRunning)
      await app.quit()
      await findsTheSame()
    })

    it('by kill -9 of its whole process group, and finds everything again', async () => {
      const groupId = readGroupId(app.process.pid ?? 0)
      // Playwright starts it as the leader of one, as a terminal's shell does.
      expect(groupId).toBe(app.process.pid)
      process.kill(-groupId, 'SIGKILL')
      await app.ended()
      await findsTheSame()
    })

    it('not when its core is killed: it starts another one, which adopts the servers', async () => {
      const { core, engine, router } = pidsOf(before)
      process.kill(core, 'SIGKILL')
      const { link, snapshot } = await app.until(
        (state) => isReady(state) && state.snapshot?.owner.pid !== core,
        settleMs,
      )
      expectAlive(engine, router)
      expect(link).toEqual({ kind: 'attached', pid: snapshot?.owner.pid, user: null })
      expect(snapshot?.services.llamaServer).toMatchObject({ pid: engine, adopted: true })
      expect(snapshot?.services.proxy).toMatchObject({ pid: router, adopted: true })
      await expectServing()
    })

    it('not when the person cancels, and asks only once however often Quit is pressed', async () => {
      await app.answerQuestions(answers.cancel)
      await app.electron.evaluate(({ app: main }) => {
        main.quit()
        main.quit()
      })
      await expect.poll(() => app.questions()).toEqual(['Quit Opta Nexus?'])
      expect((await app.state()).snapshot?.overall).toBe('ready')
    })

    it('after stopping everything on request, and its core ends too', async () => {
      await app.answerQuestions(answers.stopEverything)
      await app.quit()
      await untilNoCore(home.home)
      const { stdout } = await home.run('status', '--json')
      expect(JSON.parse(stdout)).toMatchObject({ running: false, orphans: [] })
    })
  })
})
