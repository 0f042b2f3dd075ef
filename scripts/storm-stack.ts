// The stack for kills and hostile inputs: a real `nexus serve` over stand-ins for both servers, on a small disk of its own.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePorts } from '../e2e/free-ports.ts'
import { smallHeap, smallHeapFlag } from '../electron/core/control/core-process/core-program.ts'
import { makeGguf, makePairs } from '../electron/core/gguf/test-support/made-gguf.ts'
import { readPinnedVersion } from '../electron/core/setup/litellm.ts'
import { createOwnStack, type OwnStack } from './own-stack.ts'

export type StormStack = Awaited<ReturnType<typeof createStormStack>>

const stateDiskMiB = 48
const vocabularyTokens = 262_144
/** Longer than any core has taken so far on a busy machine. */
const coreStartMs = 30_000

export const createStormStack = async (root: string) => {
  const own = await createOwnStack('storm', (home) => ({
    NEXUS_HOME: join(home, 'state'),
    NEXUS_RUNTIME: join(home, 'runtime'),
    NEXUS_SHARED: join(home, 'shared'),
    NEXUS_ROOT: root,
    // Nothing listens there: a model that a hostile command names is not fetched from the Hub.
    HF_ENDPOINT: 'http://127.0.0.1:9',
  }))
  const { home, folder, env, enginePort, routerPort } = own
  /** The folder of the core's socket for other users. */
  const sharedDir = join(home, 'shared')
  mkdirSync(sharedDir)
  /** Whether the state folder is a separate disk, which may be filled. */
  const ownDisk = mountOwnDisk(folder.root)
  const [metricsPort] = await freePorts()
  const starts = join(home, 'starts')
  writeFileSync(starts, '')
  const binaryPath = installStandIns(own, root, starts)
  const modelPath = join(home, 'model.gguf')
  // The core reads its header for plan and doctor: a vocabulary as long as Gemma's, which bloated the core in a flood of guests.
  const tokens = Array.from({ length: vocabularyTokens }, (_, id) => `token ${id}`)
  const pairs = makePairs('llama', { 'tokenizer.ggml.tokens': { type: 'texts', value: tokens } })
  writeFileSync(modelPath, makeGguf({ pairs }))
  const profile = {
    extends: 'demo',
    llamaServer: { binaryPath, modelPath, port: enginePort },
    proxy: { port: routerPort },
    ramDisk: { sizeMiB: 16 },
  }
  const config = { profile: 'storm', guests: 'everyone', metricsPort, stopGraceSeconds: 5 }
  writeFileSync(folder.configPath, JSON.stringify({ ...config, profiles: { storm: profile } }))
  const logPath = join(home, 'core.log')
  const coreLog = openSync(logPath, 'a')
  const argv = ['--disable-warning=ExperimentalWarning', join(root, 'out/nexus.mjs')]
  /** null: no core listens, or it could not be asked. */
  const attach = () => own.attach().catch(() => null)

  /** Settles when it listens; throws with its output when it exits instead. */
  const startCore = async (): Promise<void> => {
    // As `nexus up` starts one (electron/core/control/core-process/core-program.ts).
    const child = spawn(process.execPath, [smallHeapFlag, ...argv, 'serve'], {
      env: { ...env, ...smallHeap },
      detached: true,
      stdio: ['ignore', coreLog, coreLog],
    })
    child.unref()
    const lastLine = () => readFileSync(logPath, 'utf8').trimEnd().split('\n').at(-1)
    const deadline = performance.now() + coreStartMs
    for (;;) {
      const client = await attach()
      client?.close()
      if (client !== null) return
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`nexus serve ended with ${child.exitCode ?? child.signalCode}: ${lastLine()}`)
      if (performance.now() > deadline) {
        child.kill('SIGKILL')
        throw new Error(`nexus serve did not listen within ${coreStartMs / 1000} s: ${lastLine()}`)
      }
      await sleep(20)
    }
  }

  return {
    ...own,
    sharedDir,
    metricsPort,
    ownDisk,
    startCore,
    attach,
    /** Runs `nexus WORDS` to its end, or for `timeoutMs`. */
    nexus: (words: readonly string[], timeoutMs = 60_000, variables: NodeJS.ProcessEnv = {}) =>
      own.run([process.execPath, ...argv, ...words], { timeoutMs, variables }),
    /** One for each start of a server, oldest first. */
    readStarts: () =>
      [...readFileSync(starts, 'utf8').matchAll(/^(\w+) (\d+)$/gm)].map(([, service = '', pid]) => ({
        service,
        pid: Number(pid),
      })),
    remove: async () => {
      closeSync(coreLog)
      await own.remove()
    },
  }
}

/** Only root may mount; without it, rounds that fill the disk are skipped. */
const mountOwnDisk = (dir: string): boolean =>
  process.geteuid?.() === 0 &&
  spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${stateDiskMiB}m,mode=700`, 'nexus-storm', dir]).status === 0

/** Returns the path of llama-server's stand-in; LiteLLM's becomes the installed one. */
const installStandIns = ({ home, folder }: OwnStack, root: string, starts: string): string => {
  const standIn = join(root, 'electron/core/supervise/test-support/stand-in-server.mjs')
  /**
   * A single-file program that records its start and becomes the stand-in. A script with Node in its first line, so that the
   * process table shows the core's command line, by which a core that lost its ledger finds its servers.
   */
  const install = (path: string, service: string, flags: readonly string[], before = '') =>
    writeFileSync(
      path,
      `#!${process.execPath}
${before}
require('node:fs').appendFileSync(${JSON.stringify(starts)}, '${service} ' + process.pid + '\\n')
process.argv.push(...${JSON.stringify(flags)})
import(${JSON.stringify(standIn)})
`,
      { mode: 0o755 },
    )
  const engine = join(home, 'llama-server')
  const help = join(root, 'resources/llama-help/b10434.txt')
  install(
    engine,
    'llamaServer',
    ['--load-ms', '20'],
    `if (process.argv[2] === '--help') { process.stdout.write(require('node:fs').readFileSync(${JSON.stringify(help)})); return }
if (process.argv[2] === '--version') { console.error('version: 1 (abc)'); return }
if (process.argv[2] === '--list-devices') { console.log('Available devices:'); return }`,
  )
  const requirements = readFileSync(join(root, 'resources/requirements-litellm.txt'), 'utf8')
  const liteLlm = join(folder.runtimeDir, 'litellm')
  const metadata = `lib/python3.12/site-packages/litellm-${readPinnedVersion(requirements)}.dist-info`
  mkdirSync(join(liteLlm, metadata), { recursive: true })
  mkdirSync(join(liteLlm, 'bin'))
  install(join(liteLlm, 'bin/python'), 'proxy', ['--litellm'])
  writeFileSync(join(liteLlm, '.complete'), createHash('sha256').update(requirements).digest('hex'))
  return engine
}
