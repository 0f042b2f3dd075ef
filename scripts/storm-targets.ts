// Every parser and file reader, with a small sample of valid input (made-up numbers). For any other input it may return a value
// or refuse with a sentence. Runs in a worker, so that a hang is found.
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type * as fc from 'fast-check'
import { parseArguments } from '../electron/cli/arguments.ts'
import { UsageError } from '../electron/cli/usage-error.ts'
import { sampleSnapshot } from '../electron/contract/test-support/sample-snapshot.ts'
import { readKeyList } from '../electron/core/access/developer-keys-file.ts'
import { readInstalledFiles } from '../electron/core/agents-file/installed-files.ts'
import { parseSystemctlShow } from '../electron/core/autostart/systemd-autostart.ts'
import { within } from '../electron/core/base/deadline.ts'
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
import { readAllocations } from '../electron/core/memory/allocation-record.ts'
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
} from '../electron/core/platform/darwin-memory-text.ts'
import { parseDefaultRoute, parseIfconfig } from '../electron/core/platform/darwin-network.ts'
import {
  decodePsText,
  parseGroupLines,
  parseLsofFields,
  parseNetstatListens,
  parsePsLines,
} from '../electron/core/platform/darwin-process-text.ts'
import { parseLaunchctlPrint } from '../electron/core/platform/launchd/print-text.ts'
import { parseMappedPaths } from '../electron/core/platform/linux-holders.ts'
import {
  parseCpuTicks,
  parseMeminfo,
  parsePressure,
  parseSwapOutPages,
  parseZramUsedBytes,
} from '../electron/core/platform/linux-memory-text.ts'
import { parseMountInfo } from '../electron/core/platform/linux-mount-table.ts'
import { parseDefaultInterface } from '../electron/core/platform/linux-network.ts'
import { parseListeners } from '../electron/core/platform/linux-port-owner.ts'
import { parseCmdline, parseProcStat, parseUserName } from '../electron/core/platform/linux-process-text.ts'
import { parsePowerSettings } from '../electron/core/platform/power-settings.ts'
import { parseScreenList } from '../electron/core/platform/screen-sessions.ts'
import { explainLiteLlmExit } from '../electron/core/router/litellm-exit.ts'
import { createRouterFeed } from '../electron/core/router/router-feed.ts'
import { explainTraefikExit } from '../electron/core/router/traefik-exit.ts'
import { parsePythonAnswer } from '../electron/core/setup/find-python.ts'
import { judgeLiteLlmVersion } from '../electron/core/setup/litellm-version.ts'
import { chooseLlamaServerBuild } from '../electron/core/setup/llama-server-build.ts'
import { missingLibrary } from '../electron/core/setup/missing-library.ts'
import { parsePipLine } from '../electron/core/setup/pip-output.ts'
import { readIntent } from '../electron/core/stack/intent.ts'
import { openLedger } from '../electron/core/supervise/ledger.ts'
import { hostileBytes, hostileJson, hostileText } from './storm-inputs.ts'

export interface Target {
  readonly name: string
  readonly inputs: fc.Arbitrary<string | Buffer | readonly string[]>
  /** Throws when the input had a forbidden effect. */
  readonly run: (input: never) => unknown
}

/** A secret in refused input, which must never be quoted. */
export const hiddenKey = 'sk-storm-secret-0123456789'

const text = (name: string, run: (input: string) => unknown, ...samples: readonly string[]): Target => ({
  name,
  inputs: hostileText(...samples),
  run,
})
const json = (name: string, run: (input: string) => unknown, sample: unknown): Target => ({
  name,
  inputs: hostileJson(sample),
  run,
})

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

const tolerantJson = (input: string): unknown => {
  try {
    return JSON.parse(input)
  } catch {
    return input
  }
}

const profileSample = {
  extends: 'demo',
  llamaServer: { port: 8081, slots: 2, pinnedFlags: ['--threads', '4'] },
  proxy: { port: 4001, clientKey: hiddenKey, stopSequences: ['x'] },
  nodes: [{ name: 'two', host: '10.0.0.2', port: 8080, slots: 4, keyFile: null }],
}
const slotSample = [
  {
    id: 0,
    n_ctx: 4096,
    speculative: false,
    is_processing: true,
    id_task: 7,
    n_prompt_tokens: 12,
    next_token: [{ n_decoded: 3 }],
  },
]
const exitOf = (lines: readonly string[]) => ({ exitCode: 1, signal: null, logTail: lines })
const asLines = (act: (lines: readonly string[]) => unknown) => (input: string) => act(input.split('\n'))

const psSample =
  '  501 Ss   Tue Sep  2 10:15:30 2026     /usr/local/bin/llama-server -m /m/a.gguf --port 8080\n'
const hdiutilSample = `framework       : 671
================================================
image-path      : ram://524288
image-type      : unknown
blockcount      : 524288
blocksize       : 512
writeable       : TRUE
mounting user   : root
mounting mode   : -rw-------
process ID      : 4242
/dev/disk4\t\t/Volumes/OptaBuilds
`
const vmStatSample = `Mach Virtual Memory Statistics: (page size of 16384 bytes)
Pages free:                              9000000.
Pages active:                            1000000.
Pages wired down:                         300000.
Pages occupied by compressor:               2000.
Swapouts:                                      1.
`

const parsers: readonly Target[] = [
  text(
    'nexus WORDS',
    (input) => refusing([UsageError], () => parseArguments(input.split(/[ \n]/))),
    'up --profile mine --only llamaServer --json',
    'logs proxy --lines 20 --follow',
    'plan --memory-gb 256 --model /m.gguf',
    'key create anna',
    'forge clean --unused 3',
  ),
  text(
    'nexus forge WORDS',
    (input) => refusing([UsageError], () => parseArguments(['forge', ...input.split(' ')])),
    'clean /a --unused',
    'enable /a /b',
  ),
  json('control request', parseRequest, {
    id: 1,
    method: 'dispatch',
    command: { type: 'start', only: null, profile: null, force: false },
  }),
  json('/slots', (input) => parseSlots(tolerantJson(input)), slotSample),
  text(
    '/metrics',
    parseMetrics,
    '# TYPE llamacpp:prompt_tokens_total counter\nllamacpp:prompt_tokens_total 2.16578e+06\nllamacpp:requests_processing{a="b"} 1\n',
  ),
  json('/props', parseToolCaps, {
    chat_template_caps: { supports_tools: true, supports_tool_calls: false },
    chat_template: '{{ x }}',
  }),
  text(
    'llama-server log line',
    parseLlamaLogLine,
    '0.04.323.249 I slot update_slots: id  1 | task 12 | prompt processing progress, n_tokens = 512, progress = 0.25',
    '0.01.111.222 I prompt eval time =     100.00 ms /    10 tokens',
    'load_tensors:  MTL0 model buffer size = 74000.00 MiB',
    '\u001b[32mslot launch_slot_: id  0 | task 3 | processing task\u001b[0m',
  ),
  text(
    'llama-server --help',
    parseLlamaHelp,
    '-h,    --help, --usage                  print usage and exit\n-c,    --ctx-size N                     size of the prompt context (default: 0)\n                                        (env: LLAMA_ARG_CTX_SIZE)\n',
  ),
  text('llama-server --version', parseLlamaVersion, 'version: 10434 (abc)\nbuilt with clang'),
  text(
    'llama-server --list-devices',
    parseMetalLimitBytes,
    'Available devices:\n  MTL0: Apple M3 Ultra (200000 MiB, 199999 MiB free)\n',
  ),
  text(
    'llama-server exit',
    asLines((lines) => explainLlamaExit(exitOf(lines))),
    "error loading model: unable to load model '/m.gguf'\nsrv: failed to bind\nggml_metal: out of memory",
  ),
  text(
    'LiteLLM exit',
    asLines((lines) => explainLiteLlmExit(exitOf(lines))),
    "Traceback (most recent call last):\nModuleNotFoundError: No module named 'x'\nERROR: [Errno 98] address already in use",
  ),
  text(
    'Traefik exit',
    asLines((lines) =>
      explainTraefikExit(exitOf(lines), { platform: 'linux', binaryPath: '/t', listen: ':80' }),
    ),
    '2026-11-01T00:00:00Z ERR error="listen tcp :80: bind: permission denied"',
  ),
  text(
    'speculation',
    asLines(findSpeculationFailure),
    'common_speculative_init: failed: vocab of target and draft differ',
  ),
  text('ps', (input) => parsePsLines(decodePsText(input)), psSample),
  text('ps groups', parseGroupLines, '  501   500 Ss\n'),
  text('lsof -F', parseLsofFields, 'p501\ncllama-server\nLanna\nf3\nn127.0.0.1:8080\n'),
  text(
    'netstat',
    (input) => parseNetstatListens(input, 8080),
    'tcp4       0      0  127.0.0.1.8080   *.*     LISTEN\n',
  ),
  text('vm_stat', parseVmStat, vmStatSample),
  text(
    'sysctl',
    (input) => {
      const values = parseSysctl(input)
      return [
        parseSwapUsedBytes(values.get('vm.swapusage')),
        parseGpuLimitBytes(values.get('iogpu.wired_limit_mb')),
      ]
    },
    'vm.swapusage: total = 4096.00M  used = 1.50M  free = 100.00M  (encrypted)\niogpu.wired_limit_mb: 200000\n',
  ),
  text(
    'ioreg',
    parseGpuUse,
    '"PerformanceStatistics" = {"In use system memory (driver)"=0,"Device Utilization %"=61,"In use system memory"=81000000000}',
  ),
  text('mount', parseMountTable, '/dev/disk4 on /Volumes/OptaBuilds (hfs, local, nodev, nosuid, noowners)\n'),
  text('hdiutil attach', parseAttachedDevice, '/dev/disk4          \t         \t\n'),
  text('hdiutil info', parseHdiutilInfo, hdiutilSample),
  text('diskutil eject', parseDissenters, 'Volume failed to eject: dissented by PID 501 (/usr/bin/cargo)\n'),
  text(
    'ifconfig',
    parseIfconfig,
    'en0: flags=8863<UP,BROADCAST,RUNNING> mtu 1500\n\tinet 192.168.1.2 netmask 0xffffff00\n',
  ),
  text('route', parseDefaultRoute, '   route to: default\n  interface: en0\n'),
  text(
    'launchctl print',
    parseLaunchctlPrint,
    'gui/501/ai.opta.nexus = {\n\tstate = running\n\tpid = 501\n\tlast exit code = 0\n}\n',
  ),
  text('systemctl show', parseSystemctlShow, 'ActiveState=active\nMainPID=501\n'),
  text(
    'socketfilterfw',
    (input) => [parseFirewallState(input), parseAppBlocked(input, '/p')],
    'Firewall is enabled. (State = 1)\nIncoming connection to the application is permitted',
  ),
  text(
    'pmset',
    parsePowerSettings,
    'System-wide power settings:\n sleep                1\n powernap             1\n',
  ),
  text(
    'screen -ls',
    parseScreenList,
    'There is a screen on:\n\t501.llama\t(11/28/26 10:00:00)\t(Detached)\n',
  ),
  text(
    '/proc/meminfo',
    parseMeminfo,
    'MemTotal:       24105000 kB\nMemAvailable:   21592000 kB\nSwapTotal:  0 kB\nSwapFree: 0 kB\n',
  ),
  text('/proc/stat', parseCpuTicks, 'cpu  1 2 3 4 5 6 7 8 9 10\n'),
  text('/proc/vmstat', parseSwapOutPages, 'pswpout 12\n'),
  text(
    '/proc/pressure',
    parsePressure,
    'some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n',
  ),
  text('zram mm_stat', parseZramUsedBytes, ' 4096 64 8192 0 0 0 0 0 0\n'),
  text(
    '/proc/PID/stat',
    parseProcStat,
    '501 (a (b) c) S 1 501 501 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 12345 1000 200\n',
  ),
  text('/proc/PID/cmdline', parseCmdline, 'llama-server\x00--port\x008080\x00'),
  text('/proc/PID/maps', parseMappedPaths, '7f00-7f01 r-xp 00000000 08:01 123 /usr/lib/a\\040b.so\n'),
  text('mountinfo', parseMountInfo, '36 35 98:0 / /mnt\\0402 rw,noatime master:1 - ext3 /dev/root rw\n'),
  text(
    '/proc/net/tcp',
    (input) => parseListeners(input, 8080),
    '  0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000 0 12345 1\n',
  ),
  text(
    '/proc/net/route',
    parseDefaultInterface,
    'eth0\t00000000\t0100A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n',
  ),
  text('/etc/passwd', (input) => parseUserName(input, 501), 'anna:x:501:20:Anna:/home/anna:/bin/sh\n'),
  text('/proc/cpuinfo', chooseLlamaServerBuild, 'flags : fpu avx2 avx512f avx_vnni amx_tile\n'),
  text(
    'cargo config',
    readCargoConfig,
    '[build]\nbuild-dir = "/a/{workspace-path-hash}"\n[include]\n',
    'include = [{ path = "/a", optional = true }]\n',
  ),
  text('cargo --version', parseCargoVersion, 'cargo 1.94.0 (abc 2026-01-01)\n'),
  text('du', (input) => parseSizes(input, input), '123\t/mnt/a\n'),
  text('marked block', readBlock, '<!-- opta-nexus begin abc -->\nx\n<!-- opta-nexus end -->\n'),
  text('python', parsePythonAnswer, '{"major":3,"minor":12,"path":"/usr/bin/python3"}'),
  text('LiteLLM version', judgeLiteLlmVersion, '1.106.2', '1.83.7rc1'),
  text(
    'missing library',
    missingLibrary,
    'error while loading shared libraries: libvulkan.so.1: cannot open shared object file',
  ),
  text(
    'pip',
    parsePipLine,
    'Downloading litellm-1.106.2-py3-none-any.whl (9.1 MB)',
    'Collecting litellm==1.106.2',
  ),
  text(
    'log lines',
    (input) => {
      const lines = createLineSplitter(64)
      lines.push(Buffer.from(input))
      return lines.flush()
    },
    'one\ntwo\r\n\n',
  ),
]

/** Targets that read a file: it is written first. */
const fileReaders = (folder: string): readonly Target[] => {
  const file = (name: string, sample: unknown, run: (path: string) => unknown): Target => ({
    name,
    inputs: hostileJson(sample),
    run: (input: string) => {
      const path = join(folder, 'file.json')
      writeFileSync(path, input)
      return run(path)
    },
  })
  const model = makeGguf({
    pairs: makePairs('llama'),
    tensors: [{ name: 't', lengths: [32], typeNumber: 8, dataOffset: 0 }],
    dataBytes: 64,
  })
  return [
    file(
      'config.json',
      {
        profile: 'mine',
        profiles: { mine: profileSample },
        metricsPort: 9464,
        guests: { group: 'staff' },
        notifications: { enabled: true, quietHours: { from: '22:00', to: '07:00' } },
      },
      (path) =>
        refusing([ConfigError], () =>
          chooseProfile(readConfig(path, join(folder, 'last-good.json')), null, folder),
        ),
    ),
    file('profile file', profileSample, (path) =>
      refusing([ConfigError], () => chooseProfile(defaultConfig, path, folder)),
    ),
    file(
      'ledger',
      {
        version: 1,
        entries: [
          {
            service: 'proxy',
            pid: 5,
            startedAt: '1',
            argv: ['a'],
            profile: 'p',
            spawnedAtMs: 1,
            logMark: { previous: null, offset: 0 },
          },
        ],
      },
      (path) => openLedger(path).find('proxy'),
    ),
    file('intent', { version: 1, up: ['proxy'], profileName: 'p', profile: profileSample }, readIntent),
    file('allocations', { identity: '5@1', allocations: { deviceBytes: 1 } }, (path) =>
      readAllocations(path, '5@1'),
    ),
    file('agents-files', ['/a/CLAUDE.md'], readInstalledFiles),
    {
      name: 'clients.json',
      inputs: hostileJson({
        version: 1,
        keys: [{ name: 'anna', key: hiddenKey, createdAt: 1 }],
        retired: [],
      }),
      run: (input: string) => {
        writeFileSync(join(folder, 'clients.json'), input)
        return refusing([Error], () => readKeyList(folder))
      },
    },
    {
      name: 'GGUF header',
      inputs: hostileBytes(model),
      run: async (input: Buffer) => {
        const path = join(folder, 'model.gguf')
        writeFileSync(path, input)
        try {
          await readGgufHeader(path)
        } catch (error) {
          judgeRefusal(error, [Error])
          if (!(error instanceof Error && error.message.startsWith(`${path}: `))) throw error
        }
      },
    },
  ]
}

/** Targets that read from a socket: a server sends hostile lines. */
const listeners = (folder: string): readonly Target[] => {
  let said = ''
  const path = join(folder, 'hostile.sock')
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.end(said)
  })
  const listening = new Promise<void>((resolve) => server.listen(path, resolve))
  server.unref()
  return [
    {
      name: 'Router feed',
      inputs: hostileJson({
        requests: [
          {
            id: '1',
            developer: 'anna',
            phase: 'waiting',
            startedAt: 1,
            admittedAt: null,
            firstTokenAt: null,
            promptTokens: null,
            outputTokens: null,
            node: null,
          },
        ],
        day: '2026-11-28',
        developers: [],
      }).map((line) => `${line}\n`),
      run: async (input: string) => {
        await listening
        said = input
        const feed = createRouterFeed({ socketPath: path, onChange: () => feed.requests() })
        feed.connect()
        await new Promise((resolve) => setTimeout(resolve, 5))
        feed.requests()
        feed.developers()
        feed.close()
      },
    },
    {
      name: 'answers of another core',
      inputs: hostileJson({ kind: 'snapshot', id: 1, snapshot: sampleSnapshot }).map((line) => `${line}\n`),
      run: async (input: string) => {
        await listening
        said = input
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
      },
    },
  ]
}

/** @param folder empty, and the caller's to remove */
export const createTargets = (folder: string): readonly Target[] => [
  ...parsers,
  ...fileReaders(folder),
  ...listeners(folder),
]

/** Throws on values that no reading may contain: "null for unknown", never NaN or infinity. */
export const judgeAnswer = (answer: unknown): void => {
  if (typeof answer === 'number' && !Number.isFinite(answer)) throw new Error(`the answer holds ${answer}`)
  if (answer instanceof Map) for (const value of answer.values()) judgeAnswer(value)
  else if (typeof answer === 'object' && answer !== null)
    for (const value of Object.values(answer)) judgeAnswer(value)
  if (Object.hasOwn(Object.prototype, 'polluted')) throw new Error('Object.prototype was changed')
}
