// Test support: one state of the window for each that the product knows, with invented but realistic numbers.
import type { AppState } from '../../electron/contract/app.ts'
import type { Notice } from '../../electron/contract/notice.ts'
import type { Memory, Snapshot } from '../../electron/contract/snapshot.ts'
import {
  busySnapshot as busy,
  engine,
  generating,
  holds,
  nothingLive,
  notRunning,
  reading,
  request,
  router,
  sampleMap,
  sampleMemory,
  sampleNow,
  service,
  slot,
  upSince,
} from './sample-snapshot.ts'

const alone: Omit<AppState, 'snapshot'> = {
  link: { kind: 'attached', pid: 4700, user: null },
  pinned: false,
  openAtLogin: 'off',
  notificationsRefused: null,
  version: '0.1.0',
}
const owned = (snapshot: Snapshot) => ({ ...alone, snapshot })

const attachedTo = (snapshot: Snapshot): AppState & { readonly snapshot: Snapshot } => ({
  ...owned({ ...snapshot, owner: { pid: 812, background: false, since: upSince } }),
  link: { kind: 'attached', pid: 812, user: 'anna' },
})

const plannedMap: Snapshot['memoryMap'] = {
  ...sampleMap,
  parts: sampleMap.parts.map((part) => ({ ...part, usedBytes: null, source: 'planned' })),
}

/** As the core says it, to the word: this file's test compares them. */
const told = (notice: Pick<Notice, 'id' | 'severity' | 'title' | 'body' | 'view'>): Notice => ({
  ...notice,
  since: sampleNow - 14_000,
  raise: true,
})

const atGlance = { id: 'glance', service: null } as const

const slotsFull = (waiting: number): Notice =>
  told({
    id: 'slots-full',
    severity: 'warning',
    title: 'All 4 slots are busy',
    body:
      waiting === 0
        ? 'One more agent would have to wait.'
        : `${waiting} requests wait; one more agent waits behind them.`,
    view: atGlance,
  })

const waitsLong = (developer: string, age: string): Notice =>
  told({
    id: 'request-waits',
    severity: 'warning',
    title: 'Long wait for a request',
    body: `${developer} has been waiting for ${age}.`,
    view: atGlance,
  })

const longName = 'anna-katharina.von-hohenfels_01'

const idleSnapshot: Snapshot = {
  ...busy,
  slots: [
    slot(0, { contextTokens: 41_984, held: holds(0, 'anna') }),
    slot(1, { contextTokens: 12_288, held: holds(1, longName) }),
    slot(2, { contextTokens: 900, held: { developer: 'carla', conversation: 'c01d', named: false } }),
    slot(3),
  ],
  queue: { processing: 0, deferred: 0 },
  throughput: {
    generationTokensPerSecond: 0,
    promptTokensPerSecond: 0,
    draftAcceptance: 0.71,
    tokensGeneratedTotal: 1_234_567,
  },
  requests: [],
}

const fullSnapshot: Snapshot = {
  ...busy,
  slots: [
    generating(0, 'anna', 41_984, 18.2),
    generating(1, 'ben', 12_288, 14.9),
    reading(2, 'anna', 0.62),
    generating(3, 'ben', 88_064, 13.2),
  ],
  queue: { processing: 4, deferred: 0 },
  throughput: {
    generationTokensPerSecond: 46.3,
    promptTokensPerSecond: 168,
    draftAcceptance: 0.71,
    tokensGeneratedTotal: 1_234_567,
  },
  requests: [...(busy.requests ?? []), request('r4', 'ben', 'generating', 44_000)],
  notices: [slotsFull(0)],
}

const queuedSnapshot: Snapshot = {
  ...fullSnapshot,
  requests: [
    ...(fullSnapshot.requests ?? []),
    request('r5', 'anna', 'waiting', 14_000),
    request('r6', 'carla', 'waiting', 6_000),
  ],
  notices: [slotsFull(2)],
}

const longQueueSnapshot: Snapshot = {
  ...queuedSnapshot,
  requests: (queuedSnapshot.requests ?? []).map((each) =>
    each.id === 'r5' ? { ...each, startedAt: sampleNow - 74_000 } : each,
  ),
  notices: [...queuedSnapshot.notices, waitsLong('anna', '1 min 14 s')],
}

const memoryFull: Memory = {
  ...sampleMemory,
  usedBytes: 268_000_000_000,
  availableBytes: 6_877_906_944,
  wiredBytes: 201_000_000_000,
  pressure: 'critical',
}

const memoryCriticalSnapshot: Snapshot = {
  ...fullSnapshot,
  memory: memoryFull,
  memoryMap: { ...sampleMap, verdict: 'does-not-fit', spareBytes: -6_200_000_000 },
  notices: [
    told({
      id: 'memory-critical',
      severity: 'critical',
      title: 'Memory is critically short',
      body: '6.4 GiB of 256 GiB are available.',
      view: { id: 'plan', service: null },
    }),
    ...fullSnapshot.notices,
  ],
}

const stoppedSnapshot: Snapshot = {
  ...busy,
  ...nothingLive,
  overall: 'stopped',
  engineModel: null,
  services: { ramDisk: service(notRunning), llamaServer: engine(notRunning), proxy: router(notRunning) },
  memory: {
    ...sampleMemory,
    usedBytes: 19_200_000_000,
    availableBytes: 255_677_906_944,
    wiredBytes: 4_100_000_000,
  },
  ramDisk: {
    mountPoint: '/Volumes/OptaBuilds',
    mounted: false,
    kind: null,
    totalBytes: null,
    usedBytes: null,
  },
  memoryMap: plannedMap,
}

const startingSnapshot: Snapshot = {
  ...stoppedSnapshot,
  overall: 'starting',
  services: {
    ramDisk: service({ pid: null, since: sampleNow - 40_000, uptimeSeconds: 40 }),
    llamaServer: engine({
      phase: 'starting',
      since: sampleNow - 42_000,
      uptimeSeconds: 42,
      waitingFor: 'Loading model',
    }),
    proxy: router({
      phase: 'starting',
      since: sampleNow - 42_000,
      uptimeSeconds: 42,
      waitingFor: 'connection refused',
    }),
  },
  ramDisk: {
    ...busy.ramDisk,
    mountPoint: '/Volumes/OptaBuilds',
    mounted: true,
    kind: 'hfs+',
    totalBytes: 68_719_476_736,
    usedBytes: 36_864,
    heldBytes: 40_960,
  },
}

const modelMissing =
  'it ended with exit code 1: the model file is missing: /Users/Shared/Models/DeepSeek-R1-Distill-Llama-70B-Q8_0.gguf (No such file or directory)'

const failedSnapshot: Snapshot = {
  ...stoppedSnapshot,
  overall: 'failed',
  services: {
    ramDisk: service({ pid: null }),
    llamaServer: engine({ ...notRunning, phase: 'failed', reason: modelMissing }),
    proxy: router(notRunning),
  },
  ramDisk: busy.ramDisk,
  notices: [
    told({
      id: 'failed-llamaServer',
      severity: 'critical',
      title: 'AI Engine failed',
      body: modelMissing,
      view: { id: 'logs', service: 'llamaServer' },
    }),
  ],
}

const engineSilent = 'no answer from /health for 14 s; 3 slots were busy, so it is left running'
const plainFolder =
  '/Volumes/OptaBuilds is a plain folder with files in it, not a mount: builds would silently go to the SSD'
const otherDisk =
  'a RAM disk is mounted at /Volumes/OptaBuilds with 65,536 MiB, not the 32,768 MiB wanted; eject it first (its content is lost)'
const portTaken =
  'port 80 is taken by nginx (pid 812, user root): end it, or choose another port for gateway.listen; the Router answers at its own address'

const forgeFailed = (reason: string): Notice =>
  told({
    id: 'failed-ramDisk',
    severity: 'critical',
    title: 'Build Forge failed',
    body: reason,
    view: { id: 'doctor', service: null },
  })

const unansweredBy = 'the Router got no answer from the AI Engine (500): Connection error.'

const setUpMissing: NonNullable<Snapshot['setUp']> = {
  missing: [
    {
      id: 'litellm',
      text: 'LiteLLM 1.106.2, the Router, into a Python environment of its own (about 700 MB)',
    },
    { id: 'llama-server', text: 'llama-server, the AI Engine (about 60 MB)' },
    { id: 'demo-model', text: 'the demo model (SmolLM2-135M-Instruct, 98 MB)' },
  ],
  running: null,
  failure: null,
}

const firstRunSnapshot: Snapshot = {
  ...stoppedSnapshot,
  profile: 'demo',
  memoryMap: null,
  events: [],
  setUp: setUpMissing,
}

export const sampleStates = {
  stopped: owned(stoppedSnapshot),
  tooLarge: owned({
    ...stoppedSnapshot,
    memoryMap: { ...plannedMap, verdict: 'does-not-fit', spareBytes: -21_000_000_000 },
  }),
  starting: owned(startingSnapshot),
  proving: owned({
    ...startingSnapshot,
    services: { ...startingSnapshot.services, llamaServer: engine(), proxy: router() },
    slots: [reading(0, null, null), slot(1), slot(2), slot(3)],
  }),
  idle: owned(idleSnapshot),
  busy: owned(busy),
  full: owned(fullSnapshot),
  queue: owned(queuedSnapshot),
  longQueue: owned(longQueueSnapshot),
  fetching: owned({
    ...idleSnapshot,
    fetches: [
      {
        id: 'unsloth/DeepSeek-R1-Distill-Llama-70B-GGUF:Q8_0',
        file: 'DeepSeek-R1-Distill-Llama-70B-Q8_0-00001-of-00002.gguf',
        doneBytes: 28_400_000_000,
        totalBytes: 74_975_054_752,
        bytesPerSecond: 48_200_000,
        secondsLeft: 966,
        phase: 'fetching',
        reason: null,
      },
      {
        id: 'llama-3.2-3b',
        file: null,
        doneBytes: 0,
        totalBytes: null,
        bytesPerSecond: null,
        secondsLeft: null,
        phase: 'queued',
        reason: null,
      },
    ],
  }),
  modelMissing: owned({
    ...firstRunSnapshot,
    missingModels: [
      {
        model: 'deepseek-r1-70b',
        file: 'DeepSeek-R1-Distill-Llama-70B-Q8_0.gguf',
        profile: 'studio',
        bytes: 74_975_054_752,
      },
    ],
    fetches: [
      {
        id: 'llama-3.2-3b',
        file: 'Llama-3.2-3B-Instruct-Q4_K_M.gguf',
        doneBytes: 900_000_000,
        totalBytes: 2_019_377_696,
        bytesPerSecond: null,
        secondsLeft: null,
        phase: 'waiting',
        reason: 'the Hub asks us to wait (429, too many requests)',
      },
      {
        id: 'meta-llama/Llama-3.3-70B-Instruct-GGUF',
        file: null,
        doneBytes: 0,
        totalBytes: null,
        bytesPerSecond: null,
        secondsLeft: null,
        phase: 'failed',
        reason:
          'meta-llama/Llama-3.3-70B-Instruct-GGUF is gated: request access at https://huggingface.co/meta-llama/Llama-3.3-70B-Instruct-GGUF, create a token at https://huggingface.co/settings/tokens, then put a token into /Users/anna/Library/Application Support/Opta Nexus/keys/huggingface.token (mode 600) or HF_TOKEN and fetch again',
      },
    ],
  }),
  guestFetching: attachedTo({
    ...idleSnapshot,
    missingModels: [
      { model: 'llama-3.2-3b', file: 'Llama-3.2-3B-Instruct-Q4_K_M.gguf', profile: 'studio', bytes: null },
    ],
  }),
  fileProfile: owned({ ...busy, profile: './mine.json' }),
  queueFullForge: owned({
    ...longQueueSnapshot,
    ramDisk: {
      mountPoint: '/Volumes/OptaBuilds',
      mounted: true,
      kind: 'hfs+',
      totalBytes: 68_719_476_736,
      usedBytes: 64_600_000_000,
    },
    notices: [
      ...longQueueSnapshot.notices,
      told({
        id: 'forge-full',
        severity: 'warning',
        title: 'Build Forge is 94 % full',
        body: '60.2 of 64 GiB used; a build that needs more fails.',
        view: { id: 'glance', service: 'ramDisk' },
      }),
    ],
  }),
  taken: owned({ ...queuedSnapshot, slots: busy.slots }),
  degraded: owned({
    ...busy,
    overall: 'degraded',
    services: {
      ...busy.services,
      llamaServer: engine({ phase: 'degraded', restarts: 2, reason: engineSilent }),
    },
    slots: null,
    queue: null,
    throughput: null,
    notices: [
      told({
        id: 'degraded-llamaServer',
        severity: 'warning',
        title: 'AI Engine does not answer as it should',
        body: engineSilent,
        view: { id: 'logs', service: 'llamaServer' },
      }),
    ],
  }),
  unproved: owned({
    ...idleSnapshot,
    overall: 'degraded',
    proof: null,
    proofFailure: unansweredBy,
    notices: [
      told({
        id: 'claude-unanswered',
        severity: 'critical',
        title: 'A Claude request did not come back',
        body: unansweredBy,
        view: { id: 'doctor', service: null },
      }),
    ],
  }),
  failed: owned(failedSnapshot),
  noRamDisk: owned({
    ...busy,
    overall: 'degraded',
    services: {
      ...busy.services,
      ramDisk: service({ ...notRunning, phase: 'failed', reason: plainFolder }),
    },
    notices: [forgeFailed(plainFolder)],
    ramDisk: {
      mountPoint: '/Volumes/OptaBuilds',
      mounted: false,
      kind: null,
      totalBytes: null,
      usedBytes: null,
    },
  }),
  otherSize: owned({
    ...busy,
    overall: 'degraded',
    services: {
      ...busy.services,
      ramDisk: service({ ...notRunning, phase: 'failed', reason: otherDisk }),
    },
    notices: [forgeFailed(otherDisk)],
  }),
  gateway: owned({
    ...busy,
    services: { ...busy.services, gateway: service({ endpoint: 'http://ai.opta.local' }) },
  }),
  gatewayFailed: owned({
    ...busy,
    overall: 'degraded',
    services: {
      ...busy.services,
      gateway: service({ ...notRunning, phase: 'failed', reason: portTaken }),
    },
    notices: [
      told({
        id: 'failed-gateway',
        severity: 'warning',
        title: 'Gateway failed',
        body: portTaken,
        view: { id: 'logs', service: 'gateway' },
      }),
    ],
  }),
  memoryCritical: owned(memoryCriticalSnapshot),
  swapping: owned({
    ...memoryCriticalSnapshot,
    memory: { ...memoryFull, swapUsedBytes: 3_200_000_000, swapOutBytesPerSecond: 12_000_000 },
    notices: [
      ...memoryCriticalSnapshot.notices,
      told({
        id: 'swap-growing',
        severity: 'warning',
        title: 'Memory is being swapped out',
        body: '11 MiB per second, 3.0 GiB in swap: the model and builds slow down.',
        view: { id: 'plan', service: null },
      }),
    ],
  }),
  attached: attachedTo(idleSnapshot),
  attachedQueue: attachedTo(longQueueSnapshot),
  guestStopped: attachedTo(stoppedSnapshot),
  guestFailed: attachedTo(failedSnapshot),
  guestForeign: attachedTo({
    ...stoppedSnapshot,
    services: {
      ...stoppedSnapshot.services,
      llamaServer: engine({
        ...notRunning,
        foreign: { pid: 812, command: '/opt/homebrew/bin/llama-server', user: 'ben' },
      }),
    },
  }),
  guestFirstRun: attachedTo(firstRunSnapshot),
  foreign: owned({
    ...stoppedSnapshot,
    services: {
      ...stoppedSnapshot.services,
      llamaServer: engine({
        ...notRunning,
        foreign: { pid: 812, command: '/opt/homebrew/bin/llama-server', user: 'anna' },
      }),
    },
  }),
  stopping: owned({
    ...busy,
    overall: 'stopping',
    services: { ...busy.services, proxy: router({ phase: 'stopping', waitingFor: '3 requests to finish' }) },
  }),
  connecting: { ...alone, snapshot: null, link: { kind: 'connecting' } },
  lost: {
    ...alone,
    snapshot: null,
    link: { kind: 'lost', reason: 'The core ended (pid 812). It is looked for again.' },
  },
  firstRun: owned(firstRunSnapshot),
  firstRunProgress: owned({
    ...firstRunSnapshot,
    setUp: {
      ...setUpMissing,
      running: { message: 'Downloading the demo model', done: 41_943_040, total: 98_362_432 },
    },
  }),
  firstRunFailed: owned({
    ...firstRunSnapshot,
    setUp: {
      ...setUpMissing,
      failure:
        'pip could not reach the package index: Temporary failure in name resolution. Check the network, then try again.',
    },
  }),
  firstRunRefused: owned({
    ...firstRunSnapshot,
    profile: 'studio',
    memoryMap: { ...plannedMap, verdict: 'does-not-fit', spareBytes: -21_000_000_000 },
    setUp: {
      missing: [],
      running: null,
      failure: 'profile studio does not fit: physical memory: 275.6 GiB of 256 GiB, 19.6 GiB too much',
    },
  }),
  firstRunTrouble: owned({
    ...firstRunSnapshot,
    services: {
      ...firstRunSnapshot.services,
      llamaServer: engine({
        ...notRunning,
        foreign: { pid: 812, command: '/opt/homebrew/bin/llama-server', user: 'anna' },
      }),
    },
  }),
  nodes: {
    ...owned({
      ...fullSnapshot,
      nodes: [
        {
          name: 'studio-2',
          endpoint: 'http://192.168.1.21:8080',
          phase: 'ready',
          reason: null,
          slots: [generating(0, 'ben', 12_288, 17.1), slot(1), slot(2), slot(3)],
          queue: { processing: 1, deferred: 0 },
        },
        {
          name: 'studio-3.a-very-long-name.opta.local',
          endpoint: 'http://192.168.1.22:8080',
          phase: 'unreachable',
          reason: 'connection refused',
          slots: null,
          queue: null,
        },
      ],
      notices: [],
    }),
    notificationsRefused: 'macOS has not been asked yet, or says no',
    pinned: true,
  },
  huge: owned({
    ...queuedSnapshot,
    profile: 'a-profile-with-a-rather-long-name',
    slots: [
      generating(0, longName, 16_777_216, 12_345.6),
      { ...generating(1, longName, 131_072, 999.96), contextLimit: 16_777_216 },
      reading(2, longName, 0.004),
      generating(3, null, 0, 0.04),
    ],
    throughput: {
      generationTokensPerSecond: 123_456.7,
      promptTokensPerSecond: 98_765_432,
      draftAcceptance: 0.9999,
      tokensGeneratedTotal: 9_007_199_254_740_991,
    },
    requests: Array.from({ length: 120 }, (_, index) =>
      request(`w${index}`, `${longName}-${index % 7}`, 'waiting', 360_000_000 - index),
    ),
    notices: [
      told({
        id: 'forge-full',
        severity: 'critical',
        title: 'Build Forge is 99 % full',
        body: '63.2 of 64 GiB used; a build that needs more fails.',
        view: { id: 'glance', service: 'ramDisk' },
      }),
      slotsFull(120),
      waitsLong(`${longName}-0`, '4 d 4 h'),
    ],
    ramDisk: {
      mountPoint: '/Volumes/OptaBuilds',
      mounted: true,
      kind: 'hfs+',
      totalBytes: 68_719_476_736,
      usedBytes: 67_900_000_000,
      heldBytes: 68_100_000_000,
      projects: [
        {
          path: `/Users/ben/${longName}-workspace-with-a-long-name-3f9a1c77b2`,
          bytes: 61_000_000_000,
          owner: longName,
          lastBuildAt: null,
          building: true,
        },
        { path: '/Users/ben/b', bytes: 900, owner: null, lastBuildAt: null, building: null },
      ],
    },
  }),
  unknowns: owned({
    ...busy,
    slots: [generating(0, null, 100, null), reading(1, null, null), slot(2), slot(3)],
    throughput: null,
    queue: null,
    requests: null,
    developers: null,
    memory: {
      ...sampleMemory,
      wiredBytes: null,
      compressedBytes: null,
      swapOutBytesPerSecond: null,
      pressure: null,
      gpuLimitBytes: null,
      cpuPercent: null,
    },
    memoryMap: null,
    ramDisk: null,
  }),
  manySlots: owned({
    ...busy,
    slots: Array.from({ length: 64 }, (_, id) =>
      id % 5 === 0
        ? slot(id)
        : id % 7 === 0
          ? reading(id, 'ben', 0.31)
          : generating(id, 'anna', 9_000 * (id % 11), 3 + id / 10),
    ),
  }),
} as const satisfies Record<string, AppState>

export const sampleStateNames = Object.keys(sampleStates)
