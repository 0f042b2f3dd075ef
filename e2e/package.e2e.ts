// The app as really packaged by electron-builder: its contents, and a start.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { _electron as electron } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { untilNoCore } from './core-end.ts'
import { type Desktop, electronFlags, openDesktop } from './desktop.ts'
import { hasFuses, readFuses } from './fuse-wire.ts'
import { packageForTest, readElectronVersion } from './packaged-app.ts'

const root = join(import.meta.dirname, '..')
const electronPath = process.env['NEXUS_TEST_ELECTRON']
const appDir = process.env['NEXUS_TEST_APP']
const run = promisify(execFile)

const electronVersion = electronPath === undefined ? '' : readElectronVersion(electronPath)

const asarPath = (unpacked: string): string => join(unpacked, 'resources', 'app.asar')

// Set-up names both where there is an Electron for this platform.
describe.skipIf(electronPath === undefined || appDir === undefined)('the packaged app', () => {
  const folder = mkdtempSync(join(tmpdir(), 'nexus-package-'))
  const home = join(folder, 'home')
  let unpacked = ''
  let program = ''
  let command = ''
  /** As on a machine where no Node is installed, neither by the system nor by set-up. */
  const environment = {
    ...process.env,
    PATH: '/usr/bin:/bin',
    NEXUS_HOME: home,
    NEXUS_RUNTIME: join(folder, 'runtime'),
  }

  beforeAll(async () => {
    const paths = { electronPath: electronPath ?? '', appDir: appDir ?? '' }
    ;({ unpacked, program, command } = await packageForTest(paths, folder))
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
    expect(await readFuses(program)).toEqual(['EnableEmbeddedAsarIntegrityValidation', 'OnlyLoadAppFromAsar'])
  })

  it('brings the command line along, and the Node that runs it', async () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    expect((await run(command, ['--version'], { env: environment })).stdout.trim()).toBe(version)
    const { stdout } = await run(join(unpacked, 'resources', 'nexus', 'node', 'bin', 'node'), ['--version'])
    expect(stdout).toMatch(/^v24\./)
  })

  describe('on a desktop', () => {
    let desktop: Desktop | null = null
    const onDesktop = () => ({ ...environment, ...desktop?.env })
    beforeAll(async () => {
      desktop = await openDesktop()
    })
    afterAll(async () => {
      await untilNoCore(home)
      await desktop?.close()
    })

    it('reports that it is open, is not opened twice, and quits on request', async () => {
      const app = spawn(program, [...electronFlags], {
        stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
        env: { ...onDesktop(), NEXUS_READY_FD: '3' },
      })
      const gone = once(app, 'exit')
      try {
        const ready = app.stdio[3]
        if (ready == null) throw new Error('there is no pipe')
        await Promise.race([once(ready, 'data'), gone.then(() => Promise.reject(new Error('it ended')))])
        // By the command line that came along.
        const { stdout } = await run(command, ['app'], { env: onDesktop(), timeout: 30_000 })
        expect(stdout).toBe('Opta Nexus was open already.\n')
      } finally {
        app.kill('SIGTERM')
      }
      expect(await gone).toEqual([0, null])
    })

    // Playwright starts Electron with --inspect, which the fuses of a newer one turn off.
    it.skipIf(hasFuses(electronVersion))(
      'opens its window from the archive, and has its core started',
      async () => {
        const app = await electron.launch({
          executablePath: program,
          args: [...electronFlags],
          env: onDesktop(),
        })
        try {
          const window = await app.firstWindow()
          expect(window.url()).toMatch(/^nexus:/)
          const isVisible = () =>
            app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.isVisible() === true)
          // A person who opens the app sees its window, since there may be no icon. Only a visible window gets changes.
          await expect.poll(isVisible).toBe(true)
          // No locator (Playwright asks each element for checkVisibility, which Chromium 83 does not have) and no waitForFunction
          // (it evaluates texts in the page, which the policy refuses).
          const readText = async () => String(await window.evaluate('document.body.innerText'))
          await expect.poll(readText, { timeout: 30_000 }).toContain('Glance')
          const readLink = `new Promise((resolve) => nexus.onState(({ link }) => resolve(link)))`
          const linkOf = () => window.evaluate(readLink)
          await expect.poll(linkOf, { timeout: 30_000 }).toMatchObject({ kind: 'attached', user: null })
          const { pid } = z.object({ pid: z.number() }).parse(await linkOf())
          expect(readlinkSync(`/proc/${pid}/exe`)).toBe(
            join(unpacked, 'resources', 'nexus', 'node', 'bin', 'node'),
          )
        } finally {
          app.process().kill('SIGTERM')
          await app.waitForEvent('close')
        }
      },
    )
  })
})
