// The measured stack: the real `nexus` command with its own state folder and ports, removed without a trace afterwards.

import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from '../e2e/free-ports.ts'
import { type Snapshot, SnapshotSchema } from '../electron/contract/snapshot.ts'
import { defaultClientKey } from '../electron/core/access/developer-keys.ts'
import { readKeyList } from '../electron/core/access/developer-keys-file.ts'
import { locateStateFolder, type StateFolder } from '../electron/core/config/state-folder.ts'
import { attachToCore, type ControlClient } from '../electron/core/control/client.ts'
import { type LedgerEntry, openLedger } from '../electron/core/supervise/ledger.ts'
import { findProcessesOf, killAll } from './bench-processes.ts'

export interface TimedCommand {
  /** ms since the epoch, like the contract's times. */
  readonly startedAt: number
  readonly endedAt: number
  readonly stdout: string
}

export interface BenchStack {
  /** Root of the clone. */
  readonly root: string
  readonly folder: StateFolder
  readonly engineUrl: string
  readonly routerUrl: string
  /** Aborts this part when the user interrupts the benchmark. */
  readonly signal: AbortSignal
  readonly engineKey: () => string
  readonly clientKey: () => string
  /** Runs `nexus WORDS`; throws with its output when it fails. */
  nexus(...words: string[]): Promise<TimedCommand>
  /** `nexus up` with the benchmark's profile. */
  up(): Promise<TimedCommand>
  /** Stops everything and ejects the RAM disk, so that the next start has all its work to do. */
  down(): Promise<void>
  /** Runs a program in its own process group, which ends with it. */
  run(argv: readonly [string, ...string[]]): Promise<TimedCommand>
  /** Keeps `nexus status --watch` attached until the returned function is called. */
  watchFromOutside(): Promise<() => Promise<void>>
  attach(): Promise<ControlClient>
  readSnapshot(): Promise<Snapshot>
  until(fits: (snapshot: Snapshot) => boolean, timeoutMs: number): Promise<Snapshot>
  ledgerEntry(service: LedgerEntry['service']): LedgerEntry
  /** Ends whatever a failed part left behind. */
  reset(): Promise<void>
  /** Ends everything and removes the folder. */
  dispose(): Promise<void>
}

const resetTimeoutMs = 60_000

/** @param over overrides the demo profile */
export const createBenchStack = async (
  root: string,
  signal: AbortSignal,
  over: { readonly llamaServer?: object; readonly proxy?: object } = {},
): Promise<BenchStack> => {
  // A short path: unix sockets end at 103 bytes.
  const home = mkdtempSync(join(tmpdir(), 'nexus-bench-'))
  const [enginePort, routerPort] = await freePorts()
  const profilePath = join(home, 'profile.json')
  const profile = {
    extends: 'demo',
    llamaServer: { port: enginePort, ...over.llamaServer },
    proxy: { port: routerPort, ...over.proxy },
    ramDisk: { sizeMiB: 64 },
  }
  writeFileSync(profilePath, JSON.stringify(profile))
  const env = { ...process.env, NEXUS_HOME: home }
  const folder = locateStateFolder(env, process.platform, '/nonexistent')
  const program = join(root, 'scripts', 'nexus')

  const runUntil = (argv: readonly [string, ...string[]], end: AbortSignal) => runTimed(argv, env, end)
  const nexus = (...words: string[]) => runUntil([program, ...words], signal)

  const readSnapshot = async (): Promise<Snapshot> =>
    SnapshotSchema.parse(JSON.parse((await nexus('status', '--json')).stdout))

  const attach = async (): Promise<ControlClient> => {
    const client = await attachToCore(folder.socketPath)
    if (client === null) throw new Error('no core listens')
    return client
  }

  const reset = async (): Promise<void> => {
    const end = AbortSignal.timeout(resetTimeoutMs)
    // Clean up from any state, so the outcome of `down` does not matter.
    await runUntil([program, 'down', '--now', '--eject', '--force'], end).catch(() => {})
    await killAll(findProcessesOf(home))
    if (readFileSync('/proc/self/mountinfo', 'utf8').includes(home)) {
      await runUntil(['umount', join(folder.ramDiskRoot, 'OptaBuilds')], end).catch(() => {})
    }
  }

  return {
    root,
    folder,
    engineUrl: `http://127.0.0.1:${enginePort}`,
    routerUrl: `http://127.0.0.1:${routerPort}`,
    signal,
    engineKey: () => readKey(folder, 'engine.key'),
    clientKey: () => readClientKey(folder.keysDir),
    nexus,
    up: () => nexus('up', '--profile', profilePath),
    down: async () => void (await nexus('down', '--now', '--eject', '--force')),
    run: (argv) => runUntil(argv, signal),
    watchFromOutside: async () => {
      const watching = new AbortController()
      const ended = runUntil([program, 'status', '--watch'], AbortSignal.any([signal, watching.signal]))
      const over = ended.then(
        () => {},
        () => {},
      )
      return () => {
        watching.abort()
        return over
      }
    },
    attach,
    readSnapshot,
    until: async (fits, timeoutMs) => {
      const client = await attach()
      try {
        return await followUntil(client, fits, AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]))
      } finally {
        client.close()
      }
    },
    ledgerEntry: (service) => {
      const entry = openLedger(folder.ledgerPath).find(service)
      if (entry === null) throw new Error(`the ledger does not name ${service}`)
      return entry
    },
    reset,
    dispose: async () => {
      await reset()
      rmSync(home, { recursive: true, force: true })
    },
  }
}

const readClientKey = (keysDir: string): string => {
  const list = readKeyList(keysDir)
  const key = list === null ? null : defaultClientKey(list)
  if (key === null) throw new Error(`no developer has a key in ${keysDir}`)
  return key
}

const readKey = (folder: StateFolder, name: string): string =>
  readFileSync(join(folder.keysDir, name), 'utf8').trim()

const followUntil = (
  client: ControlClient,
  fits: (snapshot: Snapshot) => boolean,
  signal: AbortSignal,
): Promise<Snapshot> =>
  new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    void client.closed.then(() => reject(new Error('the core went away')))
    client
      .watch((snapshot) => {
        if (fits(snapshot)) resolve(snapshot)
      })
      .begun.catch(reject)
  })

/** The last lines give the reason. */
const saidLines = 4

/** Detached: a Ctrl-C in the terminal reaches only the benchmark, which then ends what it started. */
const runTimed = (
  [program, ...args]: readonly [string, ...string[]],
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<TimedCommand> =>
  new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const startedAt = Date.now()
    const child = spawn(program, args, { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (piece) => {
      // A watcher prints as long as it runs.
      if (stdout.length < 1_000_000) stdout += String(piece)
    })
    child.stderr.on('data', (piece) => {
      stderr += String(piece)
    })
    const end = () => {
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
        process.kill(-child.pid, 'SIGTERM')
    }
    signal.addEventListener('abort', end, { once: true })
    child.once('error', reject)
    let endedAt = 0
    child.once('exit', () => {
      endedAt = Date.now()
      signal.removeEventListener('abort', end)
    })
    child.once('close', (code, killedBy) => {
      if (signal.aborted) reject(signal.reason)
      else if (code === 0) resolve({ startedAt, endedAt, stdout })
      else {
        const said = `${stdout}${stderr}`.trimEnd().split('\n').slice(-saidLines).join(' | ')
        reject(new Error(`${[program, ...args].join(' ')} ended with ${code ?? killedBy}: ${said}`))
      }
    })
  })
