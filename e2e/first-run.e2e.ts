// The first run as a person sees it: a machine without the model, one button, and then a proved answer.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type Desktop, openDesktop } from './desktop.ts'
import { type OpenedApp, openApp } from './electron-app.ts'
import { createNexus, type NexusUnderTest } from './nexus-command.ts'

const electronPath = process.env['NEXUS_TEST_ELECTRON'] ?? ''
const bundlesDir = process.env['NEXUS_TEST_APP'] ?? ''
const installedDir = process.env['NEXUS_RUNTIME'] ?? ''
const root = join(import.meta.dirname, '..')
const picturesDir = join(root, 'out', 'test-results', 'app')
/** 250 MB from a package index, a start, and the first answer. */
const firstRunMs = 4 * 60_000

/** What set-up installed, without the model: LiteLLM alone would take minutes more. */
const makeRuntimeWithoutModel = (): string => {
  const dir = mkdtempSync(join(tmpdir(), 'nexus-first-'))
  for (const name of readdirSync(installedDir))
    if (name !== 'models') symlinkSync(join(installedDir, name), join(dir, name))
  return dir
}

describe.skipIf(electronPath === '')('a first run', () => {
  let home: NexusUnderTest
  let runtimeDir: string
  let desktop: Desktop
  let app: OpenedApp | null = null

  beforeAll(async () => {
    mkdirSync(picturesDir, { recursive: true })
    runtimeDir = makeRuntimeWithoutModel()
    home = await createNexus()
    home.useProfile()
    desktop = await openDesktop()
    app = await openApp({
      executablePath: electronPath,
      appDir: bundlesDir,
      desktop: { ...desktop, env: { ...desktop.env, NEXUS_RUNTIME: runtimeDir } },
      home: home.home,
    })
  })

  afterAll(async () => {
    if (app !== null && app.process.exitCode === null) app.process.kill('SIGKILL')
    await home?.dispose()
    await desktop?.close()
    rmSync(runtimeDir, { recursive: true, force: true })
  })

  it('names what is missing, installs it at one press with progress, and ends in a proved answer', async () => {
    if (app === null) throw new Error('there is no app')
    await app.emit('activate')
    const { snapshot } = await app.until((state) => state.snapshot?.setUp?.running === null, 30_000)
    expect(snapshot?.setUp?.missing.map(({ id }) => id)).toEqual(['demo-model'])
    await app.page.screenshot({ path: join(picturesDir, 'first-run.png') })
    await app.press('Set up and start')
    const installing = await app.until((state) => state.snapshot?.setUp?.running != null, 30_000)
    expect(z.object({ message: z.string().min(1) }).parse(installing.snapshot?.setUp?.running)).toBeTruthy()
    await app.page.screenshot({ path: join(picturesDir, 'first-run-progress.png') })
    await app.press('Cancel set-up')
    await app.until((state) => state.snapshot?.setUp?.running === null, 30_000)
    await app.press('Set up and start')
    const ready = await app.until((state) => state.snapshot?.overall === 'ready', firstRunMs)
    expect(ready.snapshot?.setUp).toBeNull()
    expect(ready.snapshot?.proof).not.toBeNull()
    await app.untilShown('button', 'Stop everything')
  })
})
