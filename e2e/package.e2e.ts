// The app really packaged by electron-builder, looked into, and started.
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { homedir, tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { promisify } from 'node:util'
import { type ElectronApplication, _electron as electron } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { packageApp } from '../scripts/app-package.ts'
import { type Desktop, electronFlags, openDesktop } from './desktop.ts'
import { type ForegroundCore, openForegroundCore } from './foreground-core.ts'

const root = join(import.meta.dirname, '..')
const electronPath = process.env['NEXUS_TEST_ELECTRON']
const appDir = process.env['NEXUS_TEST_APP']
const run = promisify(execFile)

const asarPath = (unpacked: string): string => join(unpacked, 'resources', 'app.asar')
/** electronjs.org/docs/latest/tutorial/fuses: the wire is looked for by a mark that older programs do not have. */
const hasFuses = (electronVersion: string): boolean => Number(electronVersion.split('.')[0]) >= 12

// Set-up names both where there is an Electron for this platform.
describe.skipIf(electronPath === undefined || appDir === undefined)('the packaged app', () => {
  const folder = mkdtempSync(join(tmpdir(), 'nexus-package-'))
  const home = join(folder, 'home')
  const unpacked = join(folder, process.arch === 'arm64' ? 'linux-arm64-unpacked' : 'linux-unpacked')
  const program = join(unpacked, 'opta-nexus-app')
  const command = join(unpacked, 'resources', 'nexus', 'bin', 'nexus')
  const environment = { ...process.env, NEXUS_HOME: home, NEXUS_RUNTIME: process.env['NEXUS_RUNTIME'] ?? '' }
  let electronVersion = ''

  beforeAll(async () => {
    const electronDist = dirname(electronPath ?? '')
    electronVersion = readFileSync(join(electronDist, 'version'), 'utf8').trim().replace(/^v/, '')
    await packageApp(root, {
      target: 'linux-dir',
      config: {
        electronDist,
        electronVersion,
        // Electron 9 has no fuses to set (they came with 12): there electron-builder.yml's are only checked as such.
        ...(hasFuses(electronVersion) ? {} : { electronFuses: null }),
        directories: { app: relative(root, appDir ?? root), output: folder },
      },
    })
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('holds the bundles, the window and the icons of the tray, and nothing else', async () => {
    const { stdout } = await run(join(root, 'node_modules', '.bin', 'asar'), ['list', asarPath(unpacked)])
    const files = stdout.split('\n').filter((path) => /\.[^/]+$/.test(path))
    const expected =
      /^\/(main\.cjs|preload\.cjs|package\.json|renderer\/(index\.html|window\.(js|css))|icons\/tray-[a-z]+(Template)?(@2x)?\.png)$/
    expect(files.filter((path) => !expected.test(path))).toEqual([])
    expect(files).toEqual(expect.arrayContaining(['/main.cjs', '/preload.cjs', '/renderer/index.html']))
  })

  it('names neither a key nor the machine it was built on', () => {
    const archive = readFileSync(asarPath(unpacked), 'latin1')
    expect(archive.match(/sk-opta-[A-Za-z0-9]{8,}/g)).toBeNull()
    expect(archive.includes(root)).toBe(false)
    expect(archive.includes(`${homedir()}/`)).toBe(false)
  })

  it('has its fuses set', async () => {
    if (!hasFuses(electronVersion)) return expect(Number(electronVersion.split('.')[0])).toBeLessThan(12)
    const { getCurrentFuseWire, FuseV1Options } = createRequire(
      createRequire(import.meta.url).resolve('electron-builder'),
    )('@electron/fuses')
    const wire = await getCurrentFuseWire(program)
    const isOn = (name: string) => wire[FuseV1Options[name]] === '1'.charCodeAt(0)
    expect(
      ['RunAsNode', 'EnableNodeOptionsEnvironmentVariable', 'EnableNodeCliInspectArguments'].filter(isOn),
    ).toEqual([])
    expect(isOn('OnlyLoadAppFromAsar')).toBe(true)
  })

  it('brings the command line along', async () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    expect((await run(command, ['--version'], { env: environment })).stdout.trim()).toBe(version)
  })

  describe('on a desktop', () => {
    let desktop: Desktop | null = null
    let core: ForegroundCore | null = null
    let app: ElectronApplication | null = null
    beforeAll(async () => {
      desktop = await openDesktop()
      core = await openForegroundCore(command, environment)
      app = await electron.launch({ executablePath: program, args: [...electronFlags], env: onDesktop() })
    })
    const onDesktop = () => ({ ...environment, ...desktop?.env })
    afterAll(async () => {
      await app?.close()
      await core?.close()
      await desktop?.close()
    })

    it('opens its window from the archive, and attaches to the core of the command line', async () => {
      if (app === null) throw new Error('the app was not started')
      const window = await app.firstWindow()
      expect(window.url()).toMatch(/^nexus:/)
      // No locator: Playwright asks each element for checkVisibility, which Chromium 83 does not have.
      await window.waitForFunction(`document.body.innerText.includes('Stopped')`)
      const link = `new Promise((resolve) => nexus.onState(({ link }) => link.kind === 'attached' && resolve(link)))`
      expect(await window.evaluate(link)).toMatchObject({ kind: 'attached', host: 'cli' })
      // A second launch ends at once and shows the window of the first; here by the command line that came along.
      const isVisible = () =>
        app?.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.isVisible() === true)
      expect(await isVisible()).toBe(false)
      const { stdout } = await run(command, ['app'], { env: onDesktop(), timeout: 30_000 })
      expect(stdout).toBe('Opta Nexus was open already.\n')
      await expect.poll(isVisible).toBe(true)
    })
  })
})
