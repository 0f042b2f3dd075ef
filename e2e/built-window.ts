// Test support: the window built once, and opened for each test of its behaviour.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright'
import { afterAll, beforeAll, expect } from 'vitest'
import { buildRenderer } from '../scripts/app-build.ts'
import {
  bundleFakeBridge,
  type Look,
  launchChromium,
  type OpenedWindow,
  openWindow,
} from './renderer-window.ts'

export const root = join(import.meta.dirname, '..')

type UseWindow = (use: (opened: OpenedWindow) => Promise<void>, look?: Partial<Look>) => Promise<void>

const usual = { width: 420, height: 760, scheme: 'dark', scale: 1 } as const

/** Call it at the top of a test file. @param outDir keeps the built window there */
export const buildWindow = (outDir: string | null = null): UseWindow => {
  let dir: string
  let browser: Browser
  let bridge: string

  beforeAll(async () => {
    const executablePath = process.env['NEXUS_TEST_CHROMIUM']
    if (executablePath === undefined)
      throw new Error('NEXUS_TEST_CHROMIUM names no Chromium: run scripts/test, which installs one')
    dir = outDir ?? (await mkdtemp(join(tmpdir(), 'nexus-window-')))
    await buildRenderer(root, dir, 'shipped')
    bridge = await bundleFakeBridge(root)
    browser = await launchChromium(executablePath)
  })

  afterAll(async () => {
    await browser?.close()
    if (dir !== undefined && outDir === null) await rm(dir, { recursive: true, force: true })
  })

  return async (use, look = {}) => {
    const opened = await openWindow(browser, { dir, bridge, look: { ...usual, ...look } })
    try {
      await use(opened)
      expect(opened.complaints).toEqual([])
    } finally {
      await opened.close()
    }
  }
}

export const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })
/** The machine that runs this may be busy. */
export const patient = { timeout: 20_000 } as const
export const commands = (page: Page): Promise<unknown> => page.evaluate('probe.commands')
export const actions = (page: Page): Promise<unknown> => page.evaluate('probe.actions')
