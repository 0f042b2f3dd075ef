// Test support: one busy Studio with invented but realistic numbers, and the pieces to vary it.
import {
  contractVersion,
  type Memory,
  type MemoryMap,
  type RouterRequest,
  type ServiceState,
  type Slot,
  type Snapshot,
} from '../../electron/contract/snapshot.ts'

export const sampleNow = 1_790_000_000_000
export const upSince = sampleNow - 273_600_000

export const service = (over: Partial<ServiceState> = {}): ServiceState => ({
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

export const engine = (over: Partial<ServiceState> = {}): ServiceState =>
  service({ endpoint: 'http://127.0.0.1:8080', ...over })

export const router = (over: Partial<ServiceState> = {}): ServiceState =>
  service({ pid: 4712, endpoint: 'http://192.168.1.20:4000', ...over })

export const slot = (id: number, over: Partial<Slot> = {}): Slot => ({
  id,
  phase: 'idle',
  contextTokens: null,
  contextLimit: 98_304,
  promptTokens: null,
  promptProcessed: null,
  prefillProgress: null,
  generatedTokens: null,
  tokensPerSecond: null,
  speculative: null,
  developer: null,
  ...over,
})

/** A conversation that its client named: its letters differ from slot to slot. */
export const holds = (id: number, developer: string | null): Slot['held'] =>
  developer === null ? null : { developer, conversation: `3f9${id}`, named: true }

/** Of the prompt 310 tokens were read, the others were found in the cache. */
export const generating = (
  id: number,
  developer: string | null,
  contextTokens: number,
  tokensPerSecond: number | null,
): Slot =>
  slot(id, {
    phase: 'generating',
    developer,
    held: holds(id, developer),
    contextTokens,
    promptTokens: contextTokens > 2_000 ? contextTokens - 812 : null,
    promptProcessed: 310,
    tokensPerSecond,
    generatedTokens: 812,
    speculative: true,
  })

export const reading = (id: number, developer: string | null, prefillProgress: number | null): Slot =>
  slot(id, {
    phase: 'prefill',
    developer,
    held: holds(id, developer),
    contextTokens: 19_456,
    promptProcessed: 19_456,
    promptTokens: prefillProgress === null ? null : 31_380,
    prefillProgress,
  })

export const request = (
  id: string,
  developer: string,
  phase: RouterRequest['phase'],
  ageMs: number,
): RouterRequest => ({
  id,
  developer,
  phase,
  startedAt: sampleNow - ageMs,
  admittedAt: phase === 'waiting' ? null : sampleNow - ageMs + 40,
  firstTokenAt: phase === 'generating' ? sampleNow - ageMs + 2600 : null,
  promptTokens: 31_380,
  outputTokens: phase === 'generating' ? 812 : null,
  node: null,
})

export const sampleMemory: Memory = {
  totalBytes: 274_877_906_944,
  usedBytes: 171_400_000_000,
  availableBytes: 103_477_906_944,
  wiredBytes: 131_000_000_000,
  compressedBytes: 0,
  swapUsedBytes: 0,
  swapOutBytesPerSecond: 0,
  pressure: 'normal',
  gpuLimitBytes: 206_158_430_208,
  cpuPercent: 23.4,
}

export const sampleMap: MemoryMap = {
  verdict: 'fits',
  spareBytes: 41_877_906_944,
  parts: [
    { id: 'engine', bytes: 74_967_187_712, usedBytes: null, source: 'measured' },
    { id: 'draft', bytes: 2_011_539_712, usedBytes: null, source: 'measured' },
    { id: 'kv', bytes: 48_922_361_856, usedBytes: null, source: 'measured' },
    { id: 'compute', bytes: 1_402_000_000, usedBytes: null, source: 'measured' },
    { id: 'forge', bytes: 68_719_476_736, usedBytes: 21_400_000_000, source: 'measured' },
    { id: 'system', bytes: 16_977_434_240, usedBytes: null, source: 'planned' },
    { id: 'linker', bytes: 20_000_000_000, usedBytes: null, source: 'planned' },
    { id: 'free', bytes: 41_877_906_688, usedBytes: null, source: 'planned' },
  ],
}

export const busySnapshot: Snapshot = {
  version: contractVersion,
  takenAt: sampleNow,
  owner: { pid: 4700, background: false, since: upSince },
  profile: 'studio',
  overall: 'ready',
  services: {
    ramDisk: service({ pid: null }),
    llamaServer: engine({ adopted: true }),
    proxy: router(),
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
  memory: sampleMemory,
  ramDisk: {
    mountPoint: '/Volumes/OptaBuilds',
    mounted: true,
    kind: 'hfs+',
    totalBytes: 68_719_476_736,
    usedBytes: 21_400_000_000,
    heldBytes: 23_100_000_000,
    projects: [
      {
        path: '/Users/anna/nexus-core',
        bytes: 9_100_000_000,
        owner: 'anna',
        lastBuildAt: null,
        building: true,
      },
      { path: '/Users/ben/opta-ios', bytes: 7_700_000_000, owner: 'ben', lastBuildAt: null, building: false },
      { path: '/Users/ben/tools', bytes: 4_600_000_000, owner: 'ben', lastBuildAt: null, building: false },
    ],
  },
  slots: [
    generating(0, 'anna', 41_984, 18.2),
    generating(1, 'ben', 12_288, 14.9),
    reading(2, 'anna', 0.62),
    slot(3, { contextTokens: 8192, held: holds(3, 'ben') }),
  ],
  queue: { processing: 3, deferred: 0 },
  throughput: {
    generationTokensPerSecond: 33.1,
    promptTokensPerSecond: 168,
    draftAcceptance: 0.71,
    tokensGeneratedTotal: 1_234_567,
  },
  requests: [
    request('r1', 'anna', 'generating', 62_000),
    request('r2', 'ben', 'generating', 31_000),
    request('r3', 'anna', 'prefill', 9_000),
  ],
  developers: [
    {
      developer: 'anna',
      requests: 214,
      failed: 1,
      promptTokens: 3_412_880,
      outputTokens: 88_310,
      meanFirstTokenMs: 4210,
      cachedTokens: 3_290_000,
      readTokens: 122_880,
    },
    {
      developer: 'ben',
      requests: 97,
      failed: 0,
      promptTokens: 1_020_400,
      outputTokens: 41_090,
      meanFirstTokenMs: 3580,
      cachedTokens: null,
      readTokens: null,
    },
  ],
  nodes: [],
  memoryMap: sampleMap,
  events: [
    {
      at: sampleNow - 7_200_000,
      severity: 'info',
      service: null,
      text: 'Taken over by this app; nothing was restarted',
    },
    {
      at: sampleNow - 3_900_000,
      severity: 'warning',
      service: 'proxy',
      text: 'Router crashed and was restarted',
    },
    {
      at: sampleNow - 3_880_000,
      severity: 'info',
      service: null,
      text: 'Ready again: a Claude request was answered in 640 ms',
    },
    {
      at: sampleNow - 420_000,
      severity: 'info',
      service: null,
      text: 'A slot is free again after 3 min 12 s',
    },
  ],
  notices: [],
  setUp: null,
}

/** What is not there while the servers do not run. */
export const nothingLive = {
  proof: null,
  slots: null,
  queue: null,
  throughput: null,
  requests: null,
} as const

export const notRunning = { phase: 'stopped', pid: null, uptimeSeconds: null } as const
