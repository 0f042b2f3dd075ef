// The README's pictures, light and dark: the window of the running stack while six agents ask.
// usage: NEXUS_HOME=… NEXUS_TEST_ELECTRON=… node scripts/window-picture.ts FOLDER     builds the app for that Electron
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import * as z from 'zod'
import { openDesktop } from '../e2e/desktop.ts'
import { openApp } from '../e2e/electron-app.ts'
import type { AppState } from '../electron/contract/app.ts'
import { buildApp } from './app-build.ts'
import { askRouter, readServerSentEvents } from './ask-servers.ts'

const agents = 6
/** Agents start one after the other, so that the chart has a shape. */
const arrivalMs = 12_000
const historyMs = 110_000
const longestWaitMs = 5 * 60_000

const ClientsSchema = z.object({
  baseUrl: z.string(),
  users: z.array(z.object({ snippet: z.string() })).min(1),
})

const required = (value: string | undefined, what: string): string => {
  if (value === undefined) throw new Error(`${what} is missing; ${usage}`)
  return value
}
const usage = 'usage: NEXUS_HOME=… NEXUS_TEST_ELECTRON=… node scripts/window-picture.ts FOLDER'
const folder = required(process.argv[2], 'the pictures’ folder')
const home = required(process.env['NEXUS_HOME'], 'NEXUS_HOME')
const executablePath = required(process.env['NEXUS_TEST_ELECTRON'], 'NEXUS_TEST_ELECTRON')
const root = join(import.meta.dirname, '..')

const readKeys = async (): Promise<{ readonly baseUrl: string; readonly keys: readonly string[] }> => {
  const { stdout } = await execa(join(root, 'scripts', 'nexus'), ['clients', '--json'], { timeout: 60_000 })
  const { baseUrl, users } = ClientsSchema.parse(JSON.parse(stdout))
  const found = users.flatMap(({ snippet }) => /sk-[\w-]+/.exec(snippet)?.[0] ?? [])
  return { baseUrl, keys: [...new Set(found)] }
}

/** Of different lengths, because the length identifies the request in a slot. */
const describeTask = (agent: number): string =>
  `Write a very long story with ${agent + 3} chapters. ${'It is about the sea and those who live by it. '.repeat(4 * agent)}`

/** Reads one agent's long answer to its end or until the picture is taken. */
const askForLong = async (
  routerUrl: string,
  key: string,
  agent: number,
  signal: AbortSignal,
): Promise<void> => {
  const body = {
    model: 'claude-3-5-sonnet-20241022',
    max_tokens: 4000,
    stream: true,
    messages: [{ role: 'user', content: describeTask(agent) }],
  }
  const response = await askRouter({ routerUrl, clientKey: () => key, signal }, '/v1/messages', body)
  for await (const _ of readServerSentEvents(response)) if (signal.aborted) return
}

/** All slots busy, a request waiting, and a known speed. */
const isWorthAPicture = ({ snapshot }: AppState): boolean =>
  snapshot?.slots?.every(({ phase, tokensPerSecond }) => phase !== 'idle' && tokensPerSecond !== null) ===
    true &&
  (snapshot.throughput?.generationTokensPerSecond ?? 0) > 0 &&
  (snapshot.requests ?? []).some((request) => request.phase === 'waiting')

const desktop = await openDesktop()
const enough = new AbortController()
try {
  const appDir = await buildApp(root, 'compatibility')
  const app = await openApp({ executablePath, appDir, desktop, home })
  await app.emit('activate')
  const { baseUrl, keys } = await readKeys()
  const asked = Array.from({ length: agents }, async (_, agent) => {
    await sleep(agent * arrivalMs)
    await askForLong(baseUrl, keys[agent % keys.length] ?? '', agent, enough.signal).catch(
      (error: unknown) => {
        if (!enough.signal.aborted) throw error
      },
    )
  })
  // A useful chart takes a while; then take the first moment that shows everything.
  await sleep(historyMs)
  await app.until(isWorthAPicture, longestWaitMs)
  const page = await app.electron.firstWindow()
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    // Two frames: the first may have been drawn before the page got the state.
    await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))')
    const picture = await app.electron.evaluate(async ({ BrowserWindow }) => {
      const [window] = BrowserWindow.getAllWindows()
      return (await window?.capturePage())?.toPNG().toString('base64') ?? ''
    })
    await writeFile(join(folder, `window-${colorScheme}.png`), Buffer.from(picture, 'base64'))
  }
  enough.abort()
  await Promise.all(asked)
  // Its own quit would ask about the services.
  app.process.kill('SIGTERM')
  await app.ended()
} finally {
  enough.abort()
  await desktop.close()
}
