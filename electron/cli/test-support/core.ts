// For tests of commands: a context in its own folder, and a core on its socket that answers as the test wants.
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { sampleSnapshot } from '../../contract/test-support/sample-snapshot.ts'
import { ensureStateFolder, locateStateFolder } from '../../core/config/state-folder.ts'
import { serveClient } from '../../core/control/client-session.ts'
import type { CoreLink } from '../../core/control/core-link.ts'
import { createPlatform } from '../../core/platform/detect-platform.ts'
import type { CliContext } from '../context.ts'

export interface TestContext {
  readonly context: CliContext
  readonly printed: readonly string[]
  readonly said: readonly string[]
}

export const createTestContext = (): TestContext => {
  const root = mkdtempSync(join(tmpdir(), 'nexus-cli-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  const folder = locateStateFolder({ NEXUS_HOME: root, NEXUS_SHARED: '' }, 'linux', root)
  ensureStateFolder(folder)
  const printed: string[] = []
  const said: string[] = []
  const context: CliContext = {
    folder,
    platform: createPlatform({ ramDiskRoot: folder.ramDiskRoot }),
    resourcesDir: root,
    env: {},
    entryPath: '',
    stdoutIsTerminal: false,
    color: false,
    width: 80,
    print: (line) => void printed.push(line),
    printError: (line) => void said.push(line),
    onOutputLost: () => () => {},
  }
  return { context, printed, said }
}

export interface TestCore {
  /** Closes every connection, as a dying core does. */
  die(): void
  /** How many are connected now. */
  connected(): number
}

/** Everything runs and every command is accepted, unless `says` differs. */
export const openTestCore = async (
  { folder }: CliContext,
  says: Partial<CoreLink> = {},
): Promise<TestCore> => {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    serveClient(socket, {
      keep: () => () => {},
      readSnapshot: async () => sampleSnapshot,
      watch: (tell) => ({
        begun: Promise.resolve().then(() => tell(sampleSnapshot)),
        setWatched: () => {},
        stop: () => {},
      }),
      dispatch: async () => ({ accepted: true }),
      ask: () => Promise.reject(new Error('not known')),
      watchHistory: () => () => {},
      followLog: () => () => {},
      readSnippet: () => Promise.reject(new Error('not known')),
      ...says,
    })
  })
  const die = () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  onTestFinished(die)
  await new Promise<void>((resolve) => server.listen(folder.socketPath, resolve))
  return { die, connected: () => sockets.size }
}
