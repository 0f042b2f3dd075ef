// Every parser and file reader, with small samples of valid input (storm-samples.json, made-up numbers). For any other input it
// may return a value or refuse with a sentence. A few inputs here; scripts/storm runs this file with many.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type * as fc from 'fast-check'
import { afterAll, beforeAll, it } from 'vitest'
import { parseArguments } from '../electron/cli/arguments.ts'
import { UsageError } from '../electron/cli/usage-error.ts'
import { sampleSnapshot } from '../electron/contract/test-support/sample-snapshot.ts'
import { readKeyList } from '../electron/core/access/developer-keys-file.ts'
import { readInstalledFiles } from '../electron/core/agents-file/installed-files.ts'
import { parseSystemctlShow } from '../electron/core/autostart/systemd-autostart.ts'
import { within } from '../electron/core/base/first-of.ts'
import { parseJsonOrNull } from '../electron/core/base/json-record.ts'
import { readBlock } from '../electron/core/base/marked-block.ts'
import { ConfigError, defaultConfig, readConfig } from '../electron/core/config/config.ts'
import { chooseProfile } from '../electron/core/config/profiles.ts'
import { attachToCore } from '../electron/core/control/client.ts'
import { parseRequest } from '../electron/core/control/protocol.ts'
import { parseToolCaps } from '../electron/core/doctor/checks-on-tools.ts'
import { parseAppBlocked, parseFirewallState } from '../electron/core/doctor/mac-firewall.ts'
import { parseLlamaVersion } from '../electron/core/engine/llama-capabilities.ts'
import { explainLlamaExit } from '../electron/core/engine/llama-exit.ts'
import { parseLlamaHelp } from '../electron/core/engine/llama-help.ts'
import { parseLlamaLogLine } from '../electron/core/engine/llama-log.ts'
import { parseMetrics } from '../electron/core/engine/llama-metrics.ts'
import { parseSlots } from '../electron/core/engine/llama-slots.ts'
import { parseMetalLimitBytes } from '../electron/core/engine/metal-limit.ts'
import { findSpeculationFailure } from '../electron/core/engine/speculation.ts'
import { readCargoConfig } from '../electron/core/forge/cargo-config-text.ts'
import { parseCargoVersion } from '../electron/core/forge/cargo-version.ts'
import { parseSizes } from '../electron/core/forge/forge-use.ts'
import { readGgufHeader } from '../electron/core/gguf/gguf-header.ts'
import { makeGguf, makePairs } from '../electron/core/gguf/test-support/made-gguf.ts'
import { createLineSplitter } from '../electron/core/logs/log-lines.ts'
import { readAllocations } from '../electron/core/memory/allocations.ts'
import {
  parseAttachedDevice,
  parseDissenters,
  parseHdiutilInfo,
  parseMountTable,
} from '../electron/core/platform/darwin-disk-text.ts'
import { parseGpuUse } from '../electron/core/platform/darwin-gpu.ts'
import {
  parseGpuLimitBytes,
  parseSwapUsedBytes,
  parseSysctl,
  parseVmStat,
} from '../electron/core/platform/darwin-memory.ts'
import {
  decodePsText,
  parseGroupLines,
  parseLsofFields,
  parseNetstatListens,
  parsePsLines,
} from '../electron/core/platform/darwin-processes.ts'
import {
  parseDefaultInterface,
  parseDefaultRoute,
  parseIfconfig,
} from '../electron/core/platform/lan-addresses.ts'
import { parseLaunchctlPrint } from '../electron/core/platform/launchd/print-text.ts'
import {
  parseCpuTicks,
  parseMeminfo,
  parsePressure,
  parseSwapOutPages,
  parseZramUsedBytes,
} from '../electron/core/platform/linux-memory.ts'
import { parseMountInfo } from '../electron/core/platform/linux-mount-table.ts'
import {
  parseCmdline,
  parseListeners,
  parseMappedPaths,
  parseProcStat,
} from '../electron/core/platform/linux-processes.ts'
import { parsePowerSettings } from '../electron/core/platform/power-settings.ts'
import { parseScreenList } from '../electron/core/platform/screen-sessions.ts'
import { explainLiteLlmExit } from '../electron/core/router/litellm-exit.ts'
import { createRouterFeed } from '../electron/core/router/router-feed.ts'
import { explainTraefikExit } from '../electron/core/router/traefik-exit.ts'
import { parsePythonAnswer } from '../electron/core/setup/find-python.ts'
import { judgeLiteLlmVersion } from '../electron/core/setup/litellm-version.ts'
import { chooseLlamaServerBuild } from '../electron/core/setup/llama-server-search.ts'
import { missingLibrary } from '../electron/core/setup/missing-library.ts'
import { createPipProgress } from '../electron/core/setup/pip-install.ts'
import { readIntent } from '../electron/core/stack/intent.ts'
import { openLedger } from '../electron/core/supervise/ledger.ts'
import { findFault, hostileJson, hostileText } from './storm-inputs.ts'
import samples from './storm-samples.json' with { type: 'json' }

interface Target {
  readonly name: string
  readonly inputs: fc.Arbitrary<string>
  /** Throws when the input had a forbidden effect. */
  readonly run: (input: string) => unknown
}

type Run = (input: string) => unknown

/** What reads each of these samples. */
type Runs<K extends keyof typeof samples> = Readonly<Record<keyof (typeof samples)[K], Run>>

/** A secret in refused input, which must never be quoted. */
const hiddenKey = samples.files['profile file'].proxy.clientKey

/** Accepts only an error for people: of a class thrown on purpose, short, and without secrets. */
const refusing = (kinds: readonly (new (...given: never[]) => Error)[], act: () => unknown): unknown => {
  try {
    return act()
  } catch (error) {
    judgeRefusal(error, kinds)
    return null
  }
}

const judgeRefusal = (error: unknown, kinds: readonly (new (...given: never[]) => Error)[]): void => {
  if (!(error instanceof Error) || !kinds.some((kind) => error.constructor === kind)) throw error
  if (error.message.includes(hiddenKey)) throw new Error(`the refusal quotes a key: ${error.message}`)
  if (/call stack|heap|undefined|\[object Object\]|is not a function|of null/.test(error.message))
    throw new Error(`the refusal is the engine's, not ours: ${error.message.slice(0, 500)}`)
  // Command-line words are quoted whole; more than the input would be a fault.
  if (error.message.length > 300_000) throw new Error(`the refusal has ${error.message.length} characters`)
}

const exitOf = (input: string) => ({ exitCode: 1, signal: null, logTail: input.split('\n') })

const texts: Runs<'texts'> = {
  // Not more words than a person's glob gives: parseArguments takes time by their square.
  'nexus WORDS': (input) =>
    refusing([UsageError], () => parseArguments(input.split(/[ \n]/).slice(0, 20_000))),
  'nexus forge WORDS': (input) =>
    refusing([UsageError], () => parseArguments(['forge', ...input.split(' ')])),
  '/metrics': parseMetrics,
  'llama-server log line': parseLlamaLogLine,
  'llama-server --help': parseLlamaHelp,
  'llama-server --version': parseLlamaVersion,
  'llama-server --list-devices': parseMetalLimitBytes,
  'llama-server exit': (input) => explainLlamaExit(exitOf(input)),
  'LiteLLM exit': (input) => explainLiteLlmExit(exitOf(input)),
  'Traefik exit': (input) =>
    explainTraefikExit(exitOf(input), { platform: 'linux', binaryPath: '/t', listen: ':80' }),
  speculation: (input) => findSpeculationFailure(input.split('\n')),
  ps: (input) => parsePsLines(decodePsText(input)),
  'ps groups': parseGroupLines,
  'lsof -F': parseLsofFields,
  netstat: (input) => parseNetstatListens(input, 8080),
  vm_stat: parseVmStat,
  sysctl: (input) => {
    const values = parseSysctl(input)
    return [
      parseSwapUsedBytes(values.get('vm.swapusage')),
      parseGpuLimitBytes(values.get('iogpu.wired_limit_mb')),
    ]
  },
  ioreg: parseGpuUse,
  mount: parseMountTable,
  'hdiutil attach': parseAttachedDevice,
  'hdiutil info': parseHdiutilInfo,
  'diskutil eject': parseDissenters,
  ifconfig: parseIfconfig,
  route: parseDefaultRoute,
  'launchctl print': parseLaunchctlPrint,
  'systemctl show': parseSystemctlShow,
  socketfilterfw: (input) => [parseFirewallState(input), parseAppBlocked(input, '/p')],
  pmset: parsePowerSettings,
  'screen -ls': parseScreenList,
  '/proc/meminfo': parseMeminfo,
  '/proc/stat': parseCpuTicks,
  '/proc/vmstat': parseSwapOutPages,
  '/proc/pressure': parsePressure,
  'zram mm_stat': parseZramUsedBytes,
  '/proc/PID/stat': parseProcStat,
  '/proc/PID/cmdline': parseCmdline,
  '/proc/PID/maps': parseMappedPaths,
  mountinfo: parseMountInfo,
  '/proc/net/tcp': (input) => parseListeners(input, 8080),
  '/proc/net/route': parseDefaultInterface,
  '/proc/cpuinfo': chooseLlamaServerBuild,
  'cargo config': readCargoConfig,
  'cargo --version': parseCargoVersion,
  du: (input) => parseSizes(input, input),
  'marked block': readBlock,
  python: parsePythonAnswer,
  'LiteLLM version': judgeLiteLlmVersion,
  'missing library': missingLibrary,
  pip: createPipProgress('LiteLLM', 'litellm==1.106.2'),
  'log lines': (input) => {
    const lines = createLineSplitter(64)
    lines.push(Buffer.from(input))
    return lines.flush()
  },
}

const documents: Runs<'documents'> = {
  'control request': parseRequest,
  '/slots': (input) => parseSlots(parseJsonOrNull(input)),
  '/props': parseToolCaps,
}

/** They take the path of a file with the input. */
const fileReaders = (folder: string): Runs<'files'> => ({
  'config.json': (path) =>
    refusing([ConfigError], () =>
      chooseProfile(readConfig(path, join(folder, 'last-good.json')), null, folder),
    ),
  'profile file': (path) => refusing([ConfigError], () => chooseProfile(defaultConfig, path, folder)),
  ledger: (path) => openLedger(path).find('proxy'),
  intent: readIntent,
  allocations: (path) => readAllocations(path, '5@1'),
  'agents-files': readInstalledFiles,
  'clients.json': () => refusing([Error], () => readKeyList(folder)),
})

/** A file of bytes; a text holds them as Latin-1, which takes the low byte of any other character. */
const ggufReader = (folder: string): Target => {
  const tensor = { name: 't', lengths: [32], typeNumber: 8, dataOffset: 0 }
  const model = makeGguf({ pairs: makePairs('llama'), tensors: [tensor], dataBytes: 64 })
  const path = join(folder, 'model.gguf')
  return {
    name: 'GGUF header',
    inputs: hostileText(model.toString('latin1')),
    run: async (input) => {
      writeFileSync(path, input, 'latin1')
      try {
        await readGgufHeader(path)
      } catch (error) {
        judgeRefusal(error, [Error])
        if (!(error instanceof Error && error.message.startsWith(`${path}: `))) throw error
      }
    },
  }
}

/** Targets that read from a socket: a server sends hostile lines. */
const listeners = (folder: string): readonly Target[] => {
  let said = ''
  const path = join(folder, 'hostile.sock')
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.end(said)
  })
  let listening: Promise<void> | null = null
  const listen = () => new Promise<void>((resolve) => server.unref().listen(path, resolve))
  const listener = (name: string, sample: unknown, read: () => Promise<void>): Target => ({
    name,
    inputs: hostileJson(sample),
    run: async (input) => {
      listening ??= listen()
      await listening
      said = `${input}\n`
      await read()
    },
  })
  return [
    listener('Router feed', samples.sockets['Router feed'], async () => {
      const feed = createRouterFeed({ socketPath: path, onChange: () => feed.requests() })
      feed.connect()
      await new Promise((resolve) => setTimeout(resolve, 5))
      feed.requests()
      feed.developers()
      feed.close()
    }),
    listener('answers of another core', { kind: 'snapshot', id: 1, snapshot: sampleSnapshot }, async () => {
      const client = await attachToCore(path)
      if (client === null) throw new Error('it was not heard')
      const answer = await within(
        client.readSnapshot().then(
          () => 'told',
          (error: unknown) => error,
        ),
        5_000,
      )
      client.close()
      if (answer === null) throw new Error('it waits for a core that has hung up')
      if (answer !== 'told') judgeRefusal(answer, [Error])
    }),
  ]
}

const pairUp = <S>(given: Readonly<Record<string, S>>, runs: Readonly<Record<string, Run>>) =>
  Object.entries(given).map(([name, sample]) => {
    const run = runs[name]
    if (run === undefined) throw new Error(`nothing reads the sample ${name}`)
    return { name, sample, run }
  })

const createTargets = (folder: string): readonly Target[] => [
  ...pairUp(samples.texts, texts).map(({ name, sample, run }) => ({
    name,
    inputs: hostileText(...sample),
    run,
  })),
  ...pairUp<unknown>(samples.documents, documents).map(({ name, sample, run }) => ({
    name,
    inputs: hostileJson(sample),
    run,
  })),
  ...pairUp<unknown>(samples.files, fileReaders(folder)).map(({ name, sample, run }) => ({
    name,
    inputs: hostileJson(sample),
    run: (input: string) => {
      const path = join(folder, name === 'clients.json' ? name : 'file.json')
      writeFileSync(path, input)
      return run(path)
    },
  })),
  ggufReader(folder),
  ...listeners(folder),
]

/** Throws on values that no reading may contain: "null for unknown", never NaN or infinity. */
const judgeAnswer = (answer: unknown): void => {
  if (typeof answer === 'number' && !Number.isFinite(answer)) throw new Error(`the answer holds ${answer}`)
  if (answer instanceof Map) for (const value of answer.values()) judgeAnswer(value)
  else if (typeof answer === 'object' && answer !== null)
    for (const value of Object.values(answer)) judgeAnswer(value)
  if (Object.hasOwn(Object.prototype, 'polluted')) throw new Error('Object.prototype was changed')
}

/** CPU time of one input; normally well under a millisecond. */
const mostMs = 2_000
const { STORM_SEED = '12', STORM_INPUTS = '20', STORM_CURRENT } = process.env
/** Where scripts/storm sees which input is at work, and so which one hangs; absent: no such file. */
const tell = (text: string): void => {
  if (STORM_CURRENT !== undefined) writeFileSync(STORM_CURRENT, text)
}

// Made only when a test runs: without one, nothing would remove it.
const folder = join(tmpdir(), `nexus-hostile-${process.pid}`)
beforeAll(() => void mkdirSync(folder))
afterAll(() => {
  tell('')
  rmSync(folder, { recursive: true, force: true })
})

it.each(createTargets(folder))('$name', { timeout: 10 * 60_000 }, async ({ name, inputs, run }) => {
  let count = 0
  const fault = await findFault(
    inputs,
    async (input) => {
      count += 1
      tell(`${name}\ninput ${count}: ${input}`)
      const before = process.cpuUsage()
      judgeAnswer(await run(input))
      const ms = process.cpuUsage(before).user / 1000
      if (ms > mostMs) throw new Error(`it took ${Math.round(ms)} ms of CPU time`)
    },
    // The limit is for shrinking a failing input.
    { seed: Number(STORM_SEED), numRuns: Number(STORM_INPUTS), interruptAfterTimeLimit: 20_000 },
  )
  // In one line, which the storm shows.
  if (fault !== null) throw new Error(fault.replaceAll('\n', ' '))
})
