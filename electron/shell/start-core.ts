// Starts the core through the bundled command line, as `nexus up` does, so there is only one way to start it.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import type { StateFolder } from '../core/config/state-folder.ts'
import type { CommandPaths } from './app-paths.ts'
import { findNode } from './find-node.ts'

export interface CoreStarterOptions {
  readonly command: CommandPaths
  readonly folder: StateFolder
  readonly env: Readonly<Record<string, string | undefined>>
}

/** The core listens within 20 s of its start (electron/cli/attach.ts), after macOS may have had to check its program. */
const startTimeoutMs = 60_000

/** Only for this app: a core outlives it and doesn't run in Electron. */
const appVariables = ['ELECTRON_RUN_AS_NODE', 'NODE_OPTIONS', 'NEXUS_READY_FD'] as const

export const commandEnvironment = ({
  command,
  folder,
  env,
}: CoreStarterOptions): Record<string, string | undefined> => ({
  ...Object.fromEntries(Object.entries(env).filter(([name]) => !appVariables.some((each) => each === name))),
  NEXUS_ROOT: command.root,
  NEXUS_HOME: folder.root,
  NEXUS_RUNTIME: folder.runtimeDir,
  NEXUS_SHARED: folder.sharedDir ?? '',
  NEXUS_MODELS: folder.modelsDir,
  // Not beside the bundle: the signature seals a packaged app's folder.
  NODE_COMPILE_CACHE: join(folder.runtimeDir, 'compile-cache'),
})

export type CoreStarter = ReturnType<typeof createCoreStarter>

export const createCoreStarter = (options: CoreStarterOptions) => {
  const { command, folder, env } = options
  let node: string | null = null
  return {
    /** The Node that the last start ran on; null before the first. */
    nodePath: () => node,
    /**
     * Settles once a core listens. `own`: this user's, perhaps already running; `guest`: another user's core owns this
     * machine's stack. Rejects with the command's last line of output when it failed.
     */
    start: async (): Promise<'own' | 'guest'> => {
      node = await findNode({ ownPath: command.nodePath, runtimeDir: folder.runtimeDir, env })
      const { code, said, complained } = await run(
        node,
        ['--disable-warning=ExperimentalWarning', command.entryPath, 'serve', '--detach'],
        commandEnvironment(options),
      )
      const answer = lastLine(said)
      if (code === 0 && (answer === 'own' || answer === 'guest')) return answer
      const why = lastLine(complained) ?? `its starter exited with ${code ?? 'no answer'}`
      throw new Error(`the core did not start: ${why}`)
    },
  }
}

const lastLine = (text: string): string | null =>
  text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .at(-1) ?? null

interface Ended {
  /** null after a signal, ours at the deadline or a foreign one. */
  readonly code: number | null
  readonly said: string
  readonly complained: string
}

const run = (
  file: string,
  args: readonly string[],
  env: Record<string, string | undefined>,
): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const options = { env, cwd: '/', timeout: startTimeoutMs, killSignal: 'SIGKILL' } as const
    const child = execFile(file, args, options, (error, said, complained) => {
      const code = error === null ? 0 : (error.code ?? null)
      // Such as ENOENT: it did not start.
      if (typeof code === 'string') reject(error)
      else resolve({ code, said, complained })
    })
    child.stdin?.end()
  })
