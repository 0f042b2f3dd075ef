// The stack for kill rounds: a real `nexus serve` over stand-ins for both servers, with its own state folder, ports and small
// disk. Always removed at the end.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePorts } from '../e2e/free-ports.ts'
import { locateStateFolder, type StateFolder } from '../electron/core/config/state-folder.ts'
import { attachToCore, type ControlClient } from '../electron/core/control/client.ts'
import { smallHeap, smallHeapFlag } from '../electron/core/control/core-process/core-program.ts'
import { tokenTextsKey } from '../electron/core/gguf/metadata.ts'
import { makeGguf, makePairs } from '../electron/core/gguf/test-support/made-gguf.ts'
import { parseMountInfo } from '../electron/core/platform/linux-mount-table.ts'
import { readPinnedVersion } from '../electron/core/setup/litellm.ts'
import { findProcessesOf, killAll } from './bench-processes.ts'

export interface StormStack {
  readonly home: string
  readonly folder: StateFolder
  /** The folder of the core's socket for other users. */
  readonly sharedDir: string
  readonly enginePort: number
  readonly routerPort: number
  readonly metricsPort: number
  /** Whether the state folder is a separate disk, which may be filled. */
  readonly ownDisk: boolean
  /** Settles when it listens; throws with its output when it exits instead. */
  startCore(): Promise<void>
  /** null: no core listens. Closed connections are not reused. */
  attach(): Promise<ControlClient | null>
  /** Runs `nexus WORDS` to its end, or for `timeoutMs`, and returns its output. */
  nexus(words: readonly string[], timeoutMs?: number, variables?: NodeJS.ProcessEnv): Promise<CommandEnd>
  /** One line for each start of a server, oldest first. */
  readStarts(): readonly ServerStart[]
  dispose(): Promise<void>
}

export interface CommandEnd {
  /** null: it was still running after its time. */
  readonly code: number | null
  readonly output: string
}

export interface ServerStart {
  readonly service: 'llamaServer' | 'proxy'
  readonly pid: number
}

const stateDiskMiB = 48
const vocabularyTokens = 262_144
/** Longer than any core has taken so far on a busy machine. */
const coreStartMs = 30_000

/**
 * A single-file program that records its start and becomes the stand-in. A script with Node in its first line, so that the
 * process table shows the core's command line, by which a core that lost its ledger finds its servers.
 */
const standInScript = (paths: StandInPaths, service: ServerStart['service'], before: string): string =>
  `#!${process.execPath}
${before}
require('node:fs').appendFileSync(${JSON.stringify(paths.starts)}, '${service} ' + process.pid + '\\n')
process.argv.push(${service === 'proxy' ? "'--litellm'" : "'--load-ms', '20'"})
import(${JSON.stringify(paths.standIn)})
`

interface StandInPaths {
  readonly starts: string
  readonly standIn: string
  readonly help: string
}

const installStandIns = (home: string, runtimeDir: string, resourcesDir: string, paths: StandInPaths) => {
  const engine = join(home, 'llama-server')
  const sayHelp = `if (process.argv[2] === '--help') { process.stdout.write(require('node:fs').readFileSync(${JSON.stringify(paths.help)})); return }
if (process.argv[2] === '--version') { console.error('version: 1 (abc)'); return }
if (process.argv[2] === '--list-devices') { console.log('Available devices:'); return }`
  writeFileSync(engine, standInScript(paths, 'llamaServer', sayHelp), { mode: 0o755 })
  const requirements = readFileSync(join(resourcesDir, 'requirements-litellm.txt'), 'utf8')
  const liteLlm = join(runtimeDir, 'litellm')
  const version = readPinnedVersion(requirements)
  mkdirSync(join(liteLlm, `lib/python3.12/site-packages/litellm-${version}.dist-info`), { recursive: true })
  mkdirSync(join(liteLlm, 'bin'))
  writeFileSync(join(liteLlm, 'bin/python'), standInScript(paths, 'proxy', ''), { mode: 0o755 })
  writeFileSync(join(liteLlm, '.complete'), createHash('sha256').update(requirements).digest('hex'))
  return engine
}

export const createStormStack = async (root: string): Promise<StormStack> => {
  // A short path: unix sockets end at 103 bytes.
  const home = mkdtempSync(join(tmpdir(), 'nexus-storm-'))
  const stateDir = join(home, 'state')
  const runtimeDir = join(home, 'runtime')
  const sharedDir = join(home, 'shared')
  mkdirSync(stateDir, { mode: 0o700 })
  mkdirSync(runtimeDir)
  mkdirSync(sharedDir)
  const ownDisk = mountOwnDisk(stateDir)
  const env = {
    ...process.env,
    NEXUS_HOME: stateDir,
    NEXUS_RUNTIME: runtimeDir,
    NEXUS_SHARED: sharedDir,
    NEXUS_ROOT: root,
  }
  const folder = locateStateFolder(env, process.platform, '/nonexistent')
  const [enginePort, routerPort] = await freePorts()
  const [metricsPort] = await freePorts()
  const starts = join(home, 'starts')
  writeFileSync(starts, '')
  const binaryPath = installStandIns(home, runtimeDir, join(root, 'resources'), {
    starts,
    standIn: join(root, 'electron/core/supervise/test-support/stand-in-server.mjs'),
    help: join(root, 'resources/llama-help/b10434.txt'),
  })
  const modelPath = join(home, 'model.gguf')
  // The core reads its header for plan and doctor: a vocabulary as long as Gemma's, which bloated the core in a flood of guests.
  const tokens = Array.from({ length: vocabularyTokens }, (_, id) => `token ${id}`)
  const pairs = makePairs('llama', { [tokenTextsKey]: { type: 'texts', value: tokens } })
  writeFileSync(modelPath, makeGguf({ pairs }))
  writeFileSync(
    folder.configPath,
    JSON.stringify({
      profile: 'storm',
      guests: 'everyone',
      metricsPort,
      stopGraceSeconds: 5,
      profiles: {
        storm: {
          extends: 'demo',
          llamaServer: { binaryPath, modelPath, port: enginePort },
          proxy: { port: routerPort },
          ramDisk: { sizeMiB: 16 },
        },
      },
    }),
  )
  const coreLog = openSync(join(home, 'core.log'), 'a')
  const argv = ['--disable-warning=ExperimentalWarning', join(root, 'out/nexus.mjs')]

  const startCore = async (): Promise<void> => {
    // As `nexus up` starts one (electron/core/control/core-process/core-program.ts).
    const child = spawn(process.execPath, [smallHeapFlag, ...argv, 'serve'], {
      env: { ...env, ...smallHeap },
      detached: true,
      stdio: ['ignore', coreLog, coreLog],
    })
    child.unref()
    await untilItListens(child, folder, join(home, 'core.log'))
  }

  return {
    home,
    folder,
    sharedDir,
    enginePort,
    routerPort,
    metricsPort,
    ownDisk,
    startCore,
    attach: () => attachToCore(folder.socketPath).catch(() => null),
    nexus: (words, timeoutMs = 60_000, variables = {}) =>
      runToEnd([...argv, ...words], { ...env, ...variables }, timeoutMs),
    readStarts: () => parseStarts(readFileSync(starts, 'utf8')),
    dispose: async () => {
      closeSync(coreLog)
      // The first look may miss one that is just starting.
      for (let found = findProcessesOf(home); found.length > 0; found = findProcessesOf(home))
        await killAll(found)
      for (const mountPoint of [join(folder.ramDiskRoot, 'OptaBuilds'), ...(ownDisk ? [stateDir] : [])])
        await unmountAll(mountPoint)
      rmSync(home, { recursive: true, force: true })
    },
  }
}

/** Only root may mount; without it, rounds that fill the disk are skipped. */
const mountOwnDisk = (dir: string): boolean =>
  process.geteuid?.() === 0 &&
  spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${stateDiskMiB}m,mode=700`, 'nexus-storm', dir]).status === 0

/** Counts mounts there: the rounds look for double mounts. */
const unmountAll = async (mountPoint: string): Promise<void> => {
  const deadline = performance.now() + 5_000
  const isMounted = () =>
    parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8')).some(
      (entry) => entry.mountPoint === mountPoint,
    )
  while (isMounted()) {
    // Finally lazily (umount(8), -l): it disappears with its last user.
    const isLate = performance.now() > deadline
    if (spawnSync('umount', isLate ? ['-l', mountPoint] : [mountPoint]).status !== 0) await sleep(100)
    if (isLate && isMounted()) throw new Error(`${mountPoint} stays mounted`)
  }
}

const untilItListens = async (child: ChildProcess, folder: StateFolder, logPath: string): Promise<void> => {
  const deadline = performance.now() + coreStartMs
  for (;;) {
    const client = existsSync(folder.socketPath)
      ? await attachToCore(folder.socketPath).catch(() => null)
      : null
    client?.close()
    if (client !== null) return
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`nexus serve ended with ${child.exitCode ?? child.signalCode}: ${lastLine(logPath)}`)
    if (performance.now() > deadline) {
      child.kill('SIGKILL')
      throw new Error(`nexus serve did not listen within ${coreStartMs / 1000} s: ${lastLine(logPath)}`)
    }
    await sleep(20)
  }
}

const lastLine = (path: string): string => readFileSync(path, 'utf8').trimEnd().split('\n').at(-1) ?? ''

const runToEnd = (argv: readonly string[], env: NodeJS.ProcessEnv, timeoutMs: number): Promise<CommandEnd> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, argv, { env, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const hear = (piece: Buffer) => {
      if (output.length < 10_000_000) output += String(piece)
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      child.kill('SIGKILL')
    }, timeoutMs)
    child.once('error', reject)
    child.once('close', (code) => {
      clearTimeout(timer)
      resolve({ code: isLate ? null : (code ?? -1), output })
    })
  })

const parseStarts = (text: string): readonly ServerStart[] =>
  text.split('\n').flatMap((line): ServerStart[] => {
    const [service, pid] = line.split(' ')
    return (service === 'llamaServer' || service === 'proxy') && pid !== undefined
      ? [{ service, pid: Number(pid) }]
      : []
  })
