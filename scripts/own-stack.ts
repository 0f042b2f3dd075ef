// A stack with its own state folder and ports, removed without a trace afterwards. Linux only: it reads /proc.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import { freePorts } from '../e2e/free-ports.ts'
import { followUntil } from '../electron/cli/follow-core.ts'
import type { Snapshot } from '../electron/contract/snapshot.ts'
import { locateStateFolder } from '../electron/core/config/state-folder.ts'
import { attachToCore, type ControlClient } from '../electron/core/control/client.ts'
import { parseMountInfo } from '../electron/core/platform/linux-mount-table.ts'
import { findProcessesOf, killAll } from './processes.ts'

export interface CommandEnd {
  /** null: it was still running after its time; -1: a signal ended it. */
  readonly code: number | null
  readonly stdout: string
  /** Both streams, as a terminal shows them. */
  readonly output: string
  /** ms since the epoch, like the contract's times. */
  readonly startedAt: number
  readonly endedAt: number
}

interface RunOptions {
  readonly timeoutMs?: number
  readonly variables?: NodeJS.ProcessEnv
  readonly signal?: AbortSignal
}

export type OwnStack = Awaited<ReturnType<typeof createOwnStack>>

/** @param variables laid over this process's; by default the state folder is the home itself */
export const createOwnStack = async (
  name: string,
  variables: (home: string) => NodeJS.ProcessEnv = (home) => ({ NEXUS_HOME: home }),
) => {
  // A short path: unix sockets end at 103 bytes.
  const home = mkdtempSync(join(tmpdir(), `nexus-${name}-`))
  const env = { ...process.env, ...variables(home) }
  const folder = locateStateFolder(env, process.platform, '/nonexistent')
  mkdirSync(folder.root, { recursive: true, mode: 0o700 })
  const [enginePort, routerPort] = await freePorts()
  /** null: no core listens. */
  const attach = () => attachToCore(folder.socketPath)
  /** Attached to the core for as long as `use` takes; throws when no core listens. */
  const withCore = async <T>(use: (core: ControlClient) => Promise<T>): Promise<T> => {
    const core = await attach()
    if (core === null) throw new Error('no core listens')
    try {
      return await use(core)
    } finally {
      core.close()
    }
  }
  /** Kills everything and unmounts it. */
  const endAll = async () => {
    // The first look may miss one that is just starting.
    for (let found = findProcessesOf(home); found.length > 0; found = findProcessesOf(home))
      await killAll(found)
    await unmountBelow(home)
  }
  return {
    /** Holds everything; its random name is in the command line or environment of every process of the stack. */
    home,
    folder,
    env,
    enginePort,
    routerPort,
    engineUrl: `http://127.0.0.1:${enginePort}`,
    routerUrl: `http://127.0.0.1:${routerPort}`,
    /** Runs a program to its end; `signal` and `timeoutMs` end it earlier. */
    run: (argv: readonly [string, ...string[]], options: RunOptions = {}) => runToEnd(argv, env, options),
    attach,
    withCore,
    readSnapshot: () => withCore((core) => core.readSnapshot()),
    /** The first snapshot that fits; throws with the last one when the core goes away or `signal` aborts first. */
    until: (fits: (snapshot: Snapshot) => boolean, signal: AbortSignal): Promise<Snapshot> =>
      withCore(async (core) => {
        let last: Snapshot | null = null
        const fitting = followUntil(core, fits, (snapshot) => {
          last = snapshot
        })
        signal.addEventListener('abort', core.close, { once: true })
        const found = await fitting
        signal.removeEventListener('abort', core.close)
        if (found !== null) return found
        const why = signal.aborted ? signal.reason : 'the core went away'
        throw new Error(`it did not come to that: ${why}; last seen: ${JSON.stringify(last)}`)
      }),
    endAll,
    /** Ends all and removes the folder. */
    remove: async () => {
      await endAll()
      rmSync(home, { recursive: true, force: true })
    },
  }
}

/** Detached: a Ctrl-C in the terminal reaches only us, and we end what we started. */
const runToEnd = async (
  [program, ...args]: readonly [string, ...string[]],
  env: NodeJS.ProcessEnv,
  { timeoutMs, variables, signal }: RunOptions,
): Promise<CommandEnd> => {
  const startedAt = Date.now()
  const result = await execa(program, args, {
    env: { ...env, ...variables },
    extendEnv: false,
    detached: true,
    stdin: 'ignore',
    all: true,
    reject: false,
    stripFinalNewline: false,
    ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
    ...(signal === undefined ? {} : { cancelSignal: signal }),
  })
  signal?.throwIfAborted()
  return {
    code: result.timedOut ? null : (result.exitCode ?? -1),
    stdout: result.stdout,
    // A program that is not there has said nothing.
    output: result.all || (result.originalMessage ?? ''),
    startedAt,
    endedAt: startedAt + result.durationMs,
  }
}

export const readMountPoints = (): readonly string[] =>
  parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8')).map(({ mountPoint }) => mountPoint)

/** A place that is mounted twice is unmounted twice. */
const unmountBelow = async (home: string): Promise<void> => {
  const deadline = performance.now() + 5_000
  for (;;) {
    const mountPoint = readMountPoints().findLast((path) => path.startsWith(`${home}/`))
    if (mountPoint === undefined) return
    // Finally lazily (umount(8), -l): it disappears with its last user.
    const isLate = performance.now() > deadline
    if (spawnSync('umount', isLate ? ['-l', mountPoint] : [mountPoint]).status === 0) continue
    if (isLate) throw new Error(`${mountPoint} stays mounted`)
    await sleep(100)
  }
}
