// Test support: the built window in a real Chromium, served under its Content-Security-Policy, with a bridge that shows samples.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'
import { type Browser, chromium, type Page } from 'playwright'
import { contentSecurityPolicy } from '../electron/shell/app-protocol.ts'

/** Headless on Debian; quiet, so that nothing but the window speaks. */
const chromiumArgs = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

const origin = 'http://nexus.test'
const contentTypes = { html: 'text/html', js: 'text/javascript', css: 'text/css' } as const
const files: Readonly<Record<string, keyof typeof contentTypes>> = {
  'index.html': 'html',
  'window.js': 'js',
  'window.css': 'css',
}

export interface Look {
  readonly width: number
  readonly height: number
  readonly scheme: 'dark' | 'light'
  /** Device pixels for each pixel of the page. */
  readonly scale: number
}

export interface OpenedWindow {
  readonly page: Page
  /** What the console and the policy complained about so far. */
  readonly complaints: readonly string[]
  close(): Promise<void>
}

export const launchChromium = (executablePath: string): Promise<Browser> =>
  chromium.launch({ executablePath, args: chromiumArgs })

/** One script that puts `window.nexus` and `window.probe` in place. */
export const bundleFakeBridge = async (root: string): Promise<string> => {
  const result = await build({
    absWorkingDir: root,
    entryPoints: ['renderer/test-support/fake-bridge.ts'],
    bundle: true,
    format: 'iife',
    target: 'es2022',
    write: false,
    banner: {
      // The bridge imports constants from the contract, and zod would try `new Function` as it loads.
      js: 'globalThis.__zod_globalConfig = { jitless: true };',
    },
  })
  return result.outputFiles[0]?.text ?? ''
}

export const openWindow = async (
  browser: Browser,
  { dir, bridge, look }: { readonly dir: string; readonly bridge: string; readonly look: Look },
): Promise<OpenedWindow> => {
  const context = await browser.newContext({
    viewport: { width: look.width, height: look.height },
    deviceScaleFactor: look.scale,
    colorScheme: look.scheme,
    locale: 'en-GB',
    timezoneId: 'Europe/Berlin',
  })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  await page.route('**/*', async (route) => {
    const name = new URL(route.request().url()).pathname.slice(1)
    const kind = files[name]
    if (kind === undefined) {
      complaints.push(`asked for ${route.request().url()}`)
      return route.fulfill({ status: 404 })
    }
    return route.fulfill({
      body: await readFile(join(dir, name)),
      contentType: contentTypes[kind],
      headers: { 'Content-Security-Policy': contentSecurityPolicy },
    })
  })
  await page.addInitScript({ content: bridge })
  await page.goto(`${origin}/index.html`)
  await page.waitForSelector('h1')
  return { page, complaints, close: () => context.close() }
}

/** Shows a sample state and waits until it is drawn; a button that has become another one by it may be pressed then. */
export const showState = async (page: Page, name: string): Promise<void> => {
  await page.evaluate(`probe.show(${JSON.stringify(name)})`)
  await untilDrawn(page)
  await page.evaluate('probe.passTime(1000)')
}

/** Shows a view and waits until its answers are drawn. */
export const showView = async (page: Page, id: string): Promise<void> => {
  await page.evaluate(`probe.showView({ id: ${JSON.stringify(id)}, service: null })`)
  await page.locator('.view-awaiting').waitFor({ state: 'detached' })
  await untilDrawn(page)
}

export const untilDrawn = (page: Page): Promise<unknown> =>
  page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))')
