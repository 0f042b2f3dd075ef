// A snapshot with invented numbers, for tests.
import { contractVersion, type ServiceState, type Slot, type Snapshot } from '../snapshot.ts'

const ready = (endpoint: string, pid: number | null): ServiceState => ({
  phase: 'ready',
  since: 1_700_000_000_000,
  pid,
  adopted: false,
  foreign: null,
  restarts: 0,
  reason: null,
  waitingFor: null,
  uptimeSeconds: 60,
  endpoint,
})

/** A slot that is idle, and of which nothing is known. */
export const sampleSlot: Slot = {
  id: 0,
  phase: 'idle',
  contextTokens: null,
  contextLimit: 8192,
  promptTokens: null,
  promptProcessed: null,
  prefillProgress: null,
  generatedTokens: null,
  tokensPerSecond: null,
  speculative: null,
  developer: null,
}

export const sampleSnapshot: Snapshot = {
  version: contractVersion,
  takenAt: 1_700_000_060_000,
  owner: { pid: 100, background: true, since: 1_700_000_000_000 },
  profile: 'demo',
  overall: 'ready',
  services: {
    ramDisk: ready('/Volumes/OptaBuilds', null),
    llamaServer: ready('http://127.0.0.1:8080', 101),
    proxy: ready('http://127.0.0.1:4000', 102),
  },
  engineModel: null,
  proof: {
    provedAt: 1_700_000_009_000,
    milliseconds: 800,
    outputTokens: 8,
    model: 'claude-3-5-sonnet-20241022',
    checkedAt: null,
  },
  proofFailure: null,
  memory: null,
  ramDisk: null,
  slots: null,
  queue: null,
  throughput: null,
  requests: null,
  developers: null,
  nodes: [],
  memoryMap: null,
  events: [],
  notices: [],
  setUp: null,
}

/** What a fold needs besides readings: no llama-server is asked why it does not draft, and no plan was made. */
export const sampleReadings = {
  ...sampleSnapshot,
  speculation: null,
  memoryPlan: null,
  allocations: null,
} as const
