// Test support: snapshots with invented numbers, one for each state that the views must carry.
import {
  contractVersion,
  type RouterRequest,
  type ServiceState,
  type Slot,
  type Snapshot,
} from '../../contract/snapshot.ts'
import { sampleSlot } from '../../contract/test-support/sample-snapshot.ts'

export const sampleNow = 1_790_000_000_000
const upSince = sampleNow - 273_600_000

const service = (over: Partial<ServiceState> = {}): ServiceState => ({
  phase: 'ready',
  since: upSince,
  pid: 4711,
  adopted: false,
  foreign: null,
  restarts: 0,
  reason: null,
  waitingFor: null,
  uptimeSeconds: 273_600,
  endpoint: null,
  ...over,
})

const slot = (id: number, over: Partial<Slot> = {}): Slot => ({
  ...sampleSlot,
  id,
  contextLimit: 131_072,
  ...over,
})

const generating = (id: number, contextTokens: number, tokensPerSecond: number | null): Slot =>
  slot(id, { phase: 'generating', contextTokens, tokensPerSecond, generatedTokens: 812, speculative: true })

const waitingRequest = (id: string, developer: string): RouterRequest => ({
  id,
  developer,
  phase: 'waiting',
  startedAt: sampleNow - 9_000,
  admittedAt: null,
  firstTokenAt: null,
  promptTokens: 3_400,
  outputTokens: null,
  node: null,
})

const engineEndpoint = { endpoint: 'http://127.0.0.1:8080' }
const routerEndpoint = { endpoint: 'http://192.168.1.20:4000' }

const busy: Snapshot = {
  version: contractVersion,
  takenAt: sampleNow - 400,
  owner: { pid: 4700, background: true, since: upSince },
  profile: 'studio',
  overall: 'ready',
  services: {
    ramDisk: service({ pid: null }),
    llamaServer: service(engineEndpoint),
    proxy: service({ pid: 4712, ...routerEndpoint }),
  },
  engineModel: {
    modelPath: '/Users/Shared/Models/DeepSeek-R1-Distill-Llama-70B-Q8_0.gguf',
    draftModelPath: '/Users/Shared/Models/Llama-3.2-3B-Instruct-Q4_K_M.gguf',
  },
  proof: {
    provedAt: upSince,
    milliseconds: 640,
    outputTokens: 12,
    model: 'claude-3-5-sonnet-20241022',
    checkedAt: sampleNow - 12_000,
  },
  proofFailure: null,
  memory: {
    totalBytes: 274_877_906_944,
    usedBytes: 211_400_000_000,
    availableBytes: 63_477_906_944,
    wiredBytes: 131_000_000_000,
    compressedBytes: 0,
    swapUsedBytes: 0,
    swapOutBytesPerSecond: 0,
    pressure: 'normal',
    gpuLimitBytes: 206_158_430_208,
    cpuPercent: 23.4,
  },
  ramDisk: {
    mountPoint: '/Volumes/OptaBuilds',
    mounted: true,
    kind: 'hfs+',
    totalBytes: 68_719_476_736,
    usedBytes: 21_400_000_000,
  },
  slots: [
    generating(0, 41_984, 18.2),
    generating(1, 12_288, 14.9),
    slot(2, { phase: 'prefill', contextTokens: 19_456, prefillProgress: 0.62 }),
    slot(3, { contextTokens: 8192 }),
  ],
  queue: { processing: 3, deferred: 0 },
  throughput: {
    generationTokensPerSecond: 33.1,
    promptTokensPerSecond: 168,
    draftAcceptance: 0.71,
    tokensGeneratedTotal: 1_234_567,
  },
  requests: null,
  developers: null,
  nodes: [],
  memoryMap: null,
  events: [],
  notices: [],
  setUp: null,
}

const nothingLive = { proof: null, slots: null, queue: null, throughput: null }
const stoppedService = service({ phase: 'stopped', pid: null, uptimeSeconds: null })

export const sampleSnapshots = {
  busy,
  idle: {
    ...busy,
    slots: [slot(0, { contextTokens: 41_984 }), slot(1), slot(2), slot(3)],
    queue: { processing: 0, deferred: 0 },
    throughput: {
      generationTokensPerSecond: 0,
      promptTokensPerSecond: 0,
      draftAcceptance: null,
      tokensGeneratedTotal: 0,
    },
  },
  full: {
    ...busy,
    slots: [
      generating(0, 41_984, 18.2),
      generating(1, 12_288, 14.9),
      slot(2, { phase: 'prefill', contextTokens: 19_456 }),
      generating(3, 131_072, null),
    ],
    queue: { processing: 4, deferred: 2 },
    memory: busy.memory && {
      ...busy.memory,
      usedBytes: 268_000_000_000,
      pressure: 'warn',
      swapUsedBytes: 3_200_000_000,
      swapOutBytesPerSecond: 12_000_000,
    },
  },
  /** The Router tells who is served: two developers, three of whose requests wait. */
  shared: {
    ...busy,
    slots: [
      {
        ...generating(0, 41_984, 18.2),
        developer: 'anna',
        held: { developer: 'anna', conversation: '3f9a', named: true },
        promptTokens: 41_172,
        promptProcessed: 310,
      },
      { ...generating(1, 12_288, 14.9), developer: 'a-very-long-name-of-a-developer' },
      slot(2, { phase: 'prefill', contextTokens: 19_456, prefillProgress: 0.4 }),
      { ...generating(3, 131_072, null), developer: 'anna' },
    ],
    queue: { processing: 4, deferred: 0 },
    requests: [waitingRequest('r5', 'anna'), waitingRequest('r6', 'ben'), waitingRequest('r7', 'anna')],
    developers: [
      {
        developer: 'anna',
        requests: 42,
        failed: 1,
        promptTokens: 812_000,
        outputTokens: 30_100,
        meanFirstTokenMs: 2_310,
        cachedTokens: 748_000,
        readTokens: 41_000,
      },
      { developer: 'ben', requests: 0, failed: 0, promptTokens: 0, outputTokens: 0, meanFirstTokenMs: null },
    ],
  },
  stopped: {
    ...busy,
    ...nothingLive,
    overall: 'stopped',
    engineModel: null,
    services: {
      ramDisk: stoppedService,
      llamaServer: { ...stoppedService, ...engineEndpoint },
      proxy: { ...stoppedService, ...routerEndpoint },
    },
    ramDisk: {
      mountPoint: '/Volumes/OptaBuilds',
      mounted: false,
      kind: null,
      totalBytes: null,
      usedBytes: null,
    },
  },
  starting: {
    ...busy,
    ...nothingLive,
    overall: 'starting',
    services: {
      ...busy.services,
      llamaServer: service({
        phase: 'starting',
        uptimeSeconds: 8,
        waitingFor: 'Loading model',
        ...engineEndpoint,
      }),
      proxy: service({
        phase: 'starting',
        uptimeSeconds: 3,
        waitingFor: 'connection refused',
        ...routerEndpoint,
      }),
    },
  },
  degraded: {
    ...busy,
    overall: 'degraded',
    services: {
      ...busy.services,
      llamaServer: service({
        phase: 'degraded',
        restarts: 2,
        reason: 'no answer from /health for 14 s; 3 slots were busy, so it is left running',
        ...engineEndpoint,
      }),
    },
    slots: null,
    queue: null,
    throughput: null,
  },
  failed: {
    ...busy,
    ...nothingLive,
    overall: 'failed',
    services: {
      ...busy.services,
      llamaServer: service({
        phase: 'failed',
        pid: null,
        uptimeSeconds: null,
        reason:
          "it ended with exit code 1: the model file is missing: gguf_init_from_file: failed to open GGUF file '/Users/opta/models/DeepSeek-R1-Distill-Llama-70B-Q8_0.gguf' (No such file or directory)",
        ...engineEndpoint,
      }),
      proxy: { ...stoppedService, ...routerEndpoint },
    },
  },
  unproved: {
    ...busy,
    overall: 'degraded',
    proof: null,
    proofFailure: 'The Router answered the test message with 401: its key file and its configuration differ.',
  },
  foreign: {
    ...busy,
    ...nothingLive,
    overall: 'stopped',
    services: {
      ramDisk: stoppedService,
      llamaServer: {
        ...stoppedService,
        foreign: { pid: 812, command: '/opt/homebrew/bin/llama-server', user: 'anna' },
        ...engineEndpoint,
      },
      proxy: { ...stoppedService, ...routerEndpoint },
    },
  },
  linuxWithoutRamDisk: {
    ...busy,
    profile: 'demo',
    services: {
      ...busy.services,
      ramDisk: service({
        phase: 'failed',
        pid: null,
        uptimeSeconds: null,
        reason:
          '/srv/builds is a plain folder with files in it, not a mount: builds would silently go to the SSD',
      }),
    },
    ramDisk: { mountPoint: '/srv/builds', mounted: false, kind: null, totalBytes: null, usedBytes: null },
    memory: busy.memory && {
      ...busy.memory,
      wiredBytes: null,
      compressedBytes: null,
      gpuLimitBytes: null,
      pressure: null,
    },
  },
} as const satisfies Record<string, Snapshot>
