// Test support: what the core would answer, invented but realistic, matching the state that is shown.

import type { AppState } from '../../electron/contract/app.ts'
import type { Profile } from '../../electron/contract/profile.ts'
import type { Answers } from '../../electron/contract/question.ts'

const profile: Profile = {
  llamaServer: {
    binaryPath: null,
    modelPath: '/Users/Shared/Models/DeepSeek-R1-Distill-Llama-70B-Q8_0.gguf',
    draftModelPath: '/Users/Shared/Models/Llama-3.2-3B-Instruct-Q4_K_M.gguf',
    alias: 'deepseek-r1-distill-llama-70b',
    host: '0.0.0.0',
    port: 8080,
    slots: 4,
    contextTokens: 393_216,
    unifiedKv: false,
    gpuLayers: 99,
    cacheTypeK: 'q4_0',
    cacheTypeV: 'q4_0',
    draftCacheTypeK: 'q4_0',
    draftCacheTypeV: 'q4_0',
    speculation: 'draft-simple',
    batchTokens: 512,
    microBatchTokens: 512,
    promptCacheMiB: 8192,
    pinnedFlags: [],
  },
  proxy: {
    host: '0.0.0.0',
    port: 4000,
    modelName: 'claude-3-5-sonnet-20241022',
    clientKey: null,
    stopSequences: ['<|EOT|>'],
    requestTimeoutSeconds: 3600,
    configPath: null,
  },
  ramDisk: { volumeName: 'OptaBuilds', sizeMiB: 65_536, mountPoint: null, filesystem: 'hfs+' },
}

const line = (label: string, bytes: number, over: Partial<PlanLine> = {}): PlanLine => ({
  label,
  bytes,
  estimated: false,
  seedBytes: null,
  note: null,
  allocatedBytes: null,
  ...over,
})
type Memory = NonNullable<Answers['plan']['memory']>
type PlanLine = Memory['lines'][number]

const suggestion = (text: string): Memory['suggestions'][number] => ({
  id: 'smaller-pool',
  text,
  savesBytes: 0,
  isEnough: false,
})

const plan: Answers['plan'] = {
  profile: 'studio',
  because: 'its model files are here',
  problems: [],
  memory: {
    verdict: 'fits',
    reasons: [],
    lines: [
      line('Model weights', 74_967_187_712, { allocatedBytes: 74_970_000_000 }),
      line('Draft weights', 2_011_539_712, { allocatedBytes: 2_012_000_000 }),
      line('Agent context (KV cache)', 36_238_786_560, {
        note: '98,304 tokens for each of 4 agents',
        allocatedBytes: 36_238_786_560,
      }),
      line('Agent context, draft (KV cache)', 12_683_575_296, { allocatedBytes: 12_683_575_296 }),
      line('Compute buffers', 1_402_000_000, { estimated: true, note: 'from the batch size' }),
      line('Build Forge', 68_719_476_736),
      line('System', 17_000_000_000, { estimated: true }),
      line('Linker reserve', 20_000_000_000, { estimated: true }),
    ],
    totalBytes: 233_000_000_000,
    machineBytes: 274_877_906_944,
    withoutLinkerBytes: 213_000_000_000,
    gpu: { neededBytes: 127_300_000_000, limitBytes: 206_158_430_208 },
    uncounted: null,
    agents: {
      mode: 'split',
      agents: 4,
      tokensPerAgent: 98_304,
      tokensTogether: 393_216,
      note: 'each of 4 agents gets 98,304 tokens (-c 393,216 split)',
    },
    largest: { split: null, pool: null },
    suggestions: [
      suggestion('A pool (unifiedKv) would let one agent grow to 128k while the others are small.'),
    ],
    warnings: [],
    swapRule: 'build artifacts must never be swapped, so all lines together must stay within physical memory',
    sharedEmbeddingBytes: { target: 0, draft: 0 },
  },
  memoryUnknown: null,
  gateway: null,
  router: [
    {
      setting: 'proxy.admission',
      on: true,
      does: 'answers at most 4 requests at once; up to 16 more wait (proxy.queueLimit), the next gets 529',
    },
  ],
  engine: {
    version: 'b10434',
    argv: [
      '/opt/homebrew/bin/llama-server',
      '-m',
      '/Users/Shared/Models/DeepSeek-R1-Distill-Llama-70B-Q8_0.gguf',
      '-np',
      '4',
      '-c',
      '393216',
      '--host',
      '0.0.0.0',
      '--port',
      '8080',
      '--metrics',
    ],
    adaptations: [
      { flag: '-c', seed: '128k', ours: '393216', reason: 'llama-server reads "128k" as 128 without a word' },
      {
        flag: '--draft',
        seed: '16',
        ours: null,
        reason: 'this build has no such flag; --spec-draft-n-max took its place',
      },
    ],
    warnings: [],
    problems: [],
  },
}

const doctor: Answers['doctor'] = {
  profile: 'studio',
  because: 'its model files are here',
  checks: [
    {
      id: 'node',
      group: 'Programs',
      title: 'llama-server',
      level: 'ok',
      found: 'b10434 in /opt/homebrew/bin',
      why: 'It serves the model.',
      mend: null,
    },
    {
      id: 'litellm',
      group: 'Programs',
      title: 'LiteLLM',
      level: 'ok',
      found: '1.106.2',
      why: 'It is the Router.',
      mend: null,
    },
    {
      id: 'gpu-limit',
      group: 'Memory',
      title: 'GPU memory limit',
      level: 'warn',
      found: 'not set; about 192 GiB by default',
      why: 'Above it Metal refuses to allocate, and the engine fails while it loads.',
      mend: 'sudo sysctl iogpu.wired_limit_mb=196608',
    },
    {
      id: 'keys',
      group: 'Network',
      title: 'Client key',
      level: 'fail',
      found: 'sk-local-opta, the one that everybody knows',
      why: 'The Router listens on the network.',
      mend: 'nexus key rotate anna',
    },
    {
      id: 'firewall',
      group: 'Network',
      title: 'Firewall',
      level: 'unknown',
      found: 'socketfilterfw did not answer',
      why: 'It could keep developers out.',
      mend: 'Open System Settings, Network, Firewall.',
    },
  ],
}

const judged = (id: string, name: string, over: Partial<JudgedRow>): JudgedRow => ({
  id,
  name,
  weightBytes: 49_600_000_000,
  fit: 'fits',
  whyUnknown: null,
  neededBytes: null,
  tokensPerAgent: 262_144,
  firstTurnSeconds: null,
  generationTokensPerSecond: null,
  source: null,
  isHere: false,
  canFetch: true,
  ...over,
})
type JudgedRow = Answers['models']['models'][number]

const models: Answers['models'] = {
  agents: 4,
  firstTurnTokens: 20_000,
  machine: 'Mac15,14, Apple M3 Ultra, 24 performance + 8 efficiency cores, 256 GiB at 819 GB/s, macOS 27.0',
  bestId: 'qwen3-coder-next',
  models: [
    judged('qwen3-coder-next', 'Qwen3-Coder-Next', {
      firstTurnSeconds: 16.4,
      generationTokensPerSecond: 46.4,
      source:
        'M2 Ultra, llama.cpp, pull request 19375, Q4_K_M, 2026-02, a prompt of 2,048: https://github.com/ggml-org/llama.cpp/pull/19375',
    }),
    judged('a-long-name', 'A-Model-With-A-Very-Long-Name-235B-A22B-Thinking-2511-Instruct', {
      tokensPerAgent: 131_072,
    }),
    judged('r1-distill-llama-70b', 'DeepSeek-R1-Distill-Llama-70B', {
      weightBytes: 74_975_054_752,
      tokensPerAgent: 98_304,
      firstTurnSeconds: 184,
      generationTokensPerSecond: 12.1,
      source:
        'M2 Ultra, 76 GPU cores, llama.cpp, Llama 3 70B, Q4_K_M, 2024-05, a prompt of 8,192: https://github.com/XiongjieDai/GPU-Benchmarks-on-LLM-Inference',
      isHere: true,
    }),
    // What the states that fetch are at.
    judged('llama-3.2-3b', 'Llama-3.2-3B-Instruct', { weightBytes: 2_019_377_696, tokensPerAgent: 131_072 }),
    judged('minimax-m2.7', 'MiniMax-M2.7', {
      weightBytes: null,
      fit: 'unknown',
      whyUnknown:
        'the size of its weights is not known: sizes of its parts were not found published outside of the repository itself',
      tokensPerAgent: null,
      firstTurnSeconds: 50,
    }),
    judged('kimi-k2.5', 'Kimi-K2.5', {
      weightBytes: 340_000_000_000,
      fit: 'does-not-fit',
      neededBytes: 402_000_000_000,
      tokensPerAgent: null,
    }),
  ],
  notes: [
    "The studio profile's DeepSeek-R1-Distill-Llama-70B: its own template drops every tool; it reads 20,000 tokens in 3 min 4 s. Qwen3-Coder-Next calls tools and reads them in 16 s.",
    'To have it: nexus model fetch qwen3-coder-next, then nexus up --model qwen3-coder-next.',
  ],
}

const snippet = (id: string, title: string, masked: string) => ({ id, title, masked, notes: [] })

const clientsOf = (name: string): Answers['clients']['developers'][number] => ({
  name,
  maskedKey: 'sk-opta-…4f9c',
  snippets: [
    {
      ...snippet(
        'bash',
        'bash or zsh',
        'export ANTHROPIC_BASE_URL=http://192.168.1.20:4000\nexport ANTHROPIC_API_KEY=sk-opta-…4f9c',
      ),
      notes: ['The address is this machine’s in your network.'],
    },
    snippet(
      'powershell',
      'PowerShell',
      '$env:ANTHROPIC_BASE_URL = "http://192.168.1.20:4000"\n$env:ANTHROPIC_API_KEY = "sk-opta-…4f9c"',
    ),
    snippet('fish', 'fish', 'set -x ANTHROPIC_BASE_URL http://192.168.1.20:4000'),
    snippet(
      'claude-settings',
      'Claude Code settings.json',
      '{\n  "env": { "ANTHROPIC_BASE_URL": "http://192.168.1.20:4000" }\n}',
    ),
    snippet('ssh-config', '~/.ssh/config', 'Host studio\n  HostName 192.168.1.20'),
  ],
})

const logTail: Answers['logTail'] = [
  '0.00.301.224 I srv    load_model: loading model',
  "0.00.302.113 E gguf_init_from_file: failed to open GGUF file 'DeepSeek-R1-Distill-Llama-70B-Q8_0.gguf' (No such file or directory)",
  '0.00.302.190 E llama_model_load: error loading model: llama_model_loader: failed to load model',
  '0.00.302.411 E srv  llama_server: exiting due to model loading error',
]

/** A line for each request, as uvicorn writes them. */
const routerLogTail: Answers['logTail'] = [
  'INFO:     127.0.0.1:51822 - "GET /health/readiness HTTP/1.1" 200 OK',
  'INFO:     192.168.1.31:60214 - "POST /v1/messages?beta=true HTTP/1.1" 500 Internal Server Error',
  'INFO:     127.0.0.1:51830 - "POST /v1/messages HTTP/1.1" 500 Internal Server Error',
]

const planFor = ({ snapshot }: AppState): Answers['plan'] => {
  const profile = snapshot?.profile ?? 'studio'
  if (plan.memory === null || snapshot?.memoryMap?.verdict !== 'does-not-fit') return { ...plan, profile }
  return {
    ...plan,
    profile,
    memory: {
      ...plan.memory,
      verdict: 'does-not-fit',
      totalBytes: 295_900_000_000,
      reasons: ['physical memory: 275.6 GiB of 256 GiB, 19.6 GiB too much'],
      suggestions: [suggestion('2 slots instead of 4 would fit')],
    },
  }
}

export const sampleAnswers = (state: AppState): Answers => ({
  plan: planFor(state),
  doctor,
  models,
  clients: {
    baseUrl: 'http://192.168.1.20:4000',
    warning: null,
    developers: [clientsOf('anna'), clientsOf('ben')],
  },
  settings: {
    path: '/Users/anna/Library/Application Support/Opta Nexus/config.json',
    revision: 'sha256-1f2e',
    config: {
      profile: null,
      profiles: { studio: { llamaServer: { slots: 4 } } },
      drainSeconds: 30,
      stopGraceSeconds: 10,
      notifications: { enabled: true, quietHours: { from: '22:00', to: '07:30' } },
      menuBarText: 'slots-and-speed',
      startStackAtLaunch: false,
    },
    problems: [],
    machine:
      'Mac15,14, Apple M3 Ultra, 24 performance + 8 efficiency cores, 80 GPU cores, 256.00 GiB at 819 GB/s, macOS 27.0',
    profileNames: ['demo', 'studio'],
    automaticProfileName: 'studio',
    // As started with --profile ./mine.json.
    profileName: state.snapshot?.profile.endsWith('.json') === true ? state.snapshot.profile : 'studio',
    profile,
    restartNeeded:
      state.snapshot?.overall === 'degraded'
        ? [
            { key: 'llamaServer.slots', running: '4', configured: '6' },
            { key: 'ramDisk.sizeMiB', running: '65536', configured: '32768', needsEject: true },
          ]
        : state.snapshot?.overall === 'ready'
          ? [{ key: 'llamaServer.slots', running: '4', configured: '6' }]
          : [],
  },
  logTail: (state.snapshot?.proofFailure ?? null) === null ? logTail : routerLogTail,
})
