// The README's pictures, light and dark: the window of the running stack while six agents ask.
// usage: NEXUS_HOME=… NEXUS_TEST_ELECTRON=… node scripts/window-picture.ts FOLDER     builds the app for that Electron
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openDesktop } from '../e2e/desktop.ts'
import { openApp } from '../e2e/electron-app.ts'
import type { AppState } from '../electron/contract/app.ts'
import { developersOf } from '../electron/core/access/developer-keys.ts'
import { readKeyList } from '../electron/core/access/developer-keys-file.ts'
import { locateStateFolder } from '../electron/core/config/state-folder.ts'
import { attachToCore } from '../electron/core/control/client.ts'
import { buildApp } from './app-build.ts'
import { askRouter, readServerSentEvents } from './ask-servers.ts'

const agents = 6
/** Agents start one after the other, so that the chart has a shape. */
const arrivalMs = 12_000
const historyMs = 110_000
const longestWaitMs = 5 * 60_000

const [folder, home, executablePath] = [
  process.argv[2],
  process.env['NEXUS_HOME'],
  process.env['NEXUS_TEST_ELECTRON'],
]
if (folder === undefined || home === undefined || executablePath === undefined)
  throw new Error('usage: NEXUS_HOME=… NEXUS_TEST_ELECTRON=… node scripts/window-picture.ts FOLDER')

const readStack = async () => {
  const { socketPath, keysDir } = locateStateFolder(process.env, process.platform, home)
  const core = await attachToCore(socketPath)
  const routerUrl = (await core?.readSnapshot())?.services.proxy.endpoint
  core?.close()
  const developers = developersOf(readKeyList(keysDir) ?? { keys: [], retired: [] })
  if (routerUrl === undefined || routerUrl === null) throw new Error(`no stack runs in ${home}`)
  return { routerUrl, keys: developers.map(({ key }) => key) }
}

/** One agent's long answer, to its end or until the picture is taken. */
const askForLong = async (
  routerUrl: string,
  key: string,
  agent: number,
  signal: AbortSignal,
): Promise<void> => {
  // Of different lengths, because the length identifies the request in a slot.
  const filling = 'It is about the sea and those who live by it. '.repeat(4 * agent)
  const content = `Write a very long story with ${agent + 3} chapters. ${filling}`
  const body = { model: 'claude-3-5-sonnet-20241022', max_tokens: 4000, stream: true }
  const messages = [{ role: 'user', content }]
  const router = { routerUrl, clientKey: () => key, signal }
  try {
    const response = await askRouter(router, '/v1/messages', { ...body, messages })
    for await (const _ of readServerSentEvents(response)) if (signal.aborted) return
  } catch (error) {
    if (!signal.aborted) throw error
  }
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
  const appDir = await buildApp(join(import.meta.dirname, '..'), 'compatibility')
  const app = await openApp({ executablePath, appDir, desktop, home })
  await app.emit('activate')
  const { routerUrl, keys } = await readStack()
  const asked = Array.from({ length: agents }, async (_, agent) => {
    await sleep(agent * arrivalMs)
    await askForLong(routerUrl, keys[agent % keys.length] ?? '', agent, enough.signal)
  })
  // A useful chart takes a while; then take the first moment that shows everything.
  await sleep(historyMs)
  await app.until(isWorthAPicture, longestWaitMs)
  for (const colorScheme of ['light', 'dark'] as const) {
    await app.page.emulateMedia({ colorScheme })
    // Two frames: the first may have been drawn before the page got the state.
    await app.page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))')
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
