// THE boundary: Config, Snapshot, Command and Outcome. Everyone who attaches (CLI, window, socket) speaks only this.
// As a namespace, so that a bundler can leave out what is not used: 31 instead of 95 KB (gzipped) in the window.
import * as z from 'zod'

/** Increased when a field changes meaning, so that an old window refuses a new core in words instead of misreading it. */
export const contractVersion = 2

/** The gateway is there where the profile wants one. */
export const serviceIds = ['ramDisk', 'llamaServer', 'proxy', 'gateway'] as const
export const ServiceIdSchema = z.enum(serviceIds)
export type ServiceId = z.infer<typeof ServiceIdSchema>

/** Those that a command may name, and without a name means: the gateway comes and goes with the Router. */
export const commandedIds = ['ramDisk', 'llamaServer', 'proxy'] as const satisfies readonly ServiceId[]
const CommandedIdSchema = z.enum(commandedIds)
export type CommandedId = z.infer<typeof CommandedIdSchema>

/** Those that are a process of ours. */
export const supervisedIds = ['llamaServer', 'proxy', 'gateway'] as const satisfies readonly ServiceId[]
export type SupervisedId = (typeof supervisedIds)[number]

/** What people call them; ids stay in code and JSON. */
export const serviceNames: Readonly<Record<ServiceId, string>> = {
  ramDisk: 'Build Forge',
  llamaServer: 'AI Engine',
  proxy: 'Router',
  gateway: 'Gateway',
}

// --- Config -----------------------------------------------------------------------------------------------------

const absolutePath = (what: string) =>
  z
    .string()
    .refine((path) => path.startsWith('/'), `an absolute path to ${what} (starting with /)`)
    .refine((path) => !path.includes('\0'), `a path without NUL characters`)

const wholeNumber = (min: number, max: number, what: string) =>
  z
    .number(`${what}: a whole number from ${min} to ${max}`)
    .int(`${what}: a whole number from ${min} to ${max}`)
    .min(min, `${what}: a whole number from ${min} to ${max}`)
    .max(max, `${what}: a whole number from ${min} to ${max}`)

const port = wholeNumber(1, 65_535, 'a TCP port')
const host = z
  .string()
  .regex(/^[0-9A-Za-z.:_-]+$/, 'an IP address or host name, such as 127.0.0.1 or 0.0.0.0')
const apiKey = z
  .string()
  .regex(/^[\x21-\x7e]{8,256}$/, 'a key of 8 to 256 printable ASCII characters without blanks')

/** KV cache types of llama.cpp (`--help`, b10068 and b10434 list the same nine). */
export const kvCacheTypes = ['f32', 'f16', 'bf16', 'q8_0', 'q4_0', 'q4_1', 'iq4_nl', 'q5_0', 'q5_1'] as const
export const KvCacheTypeSchema = z.enum(kvCacheTypes)
export type KvCacheType = z.infer<typeof KvCacheTypeSchema>

const llamaServerProfile = z.strictObject({
  /** null: configured nowhere, so looked for in app resources, Homebrew's prefix, PATH, then what set-up installed. */
  binaryPath: absolutePath('the llama-server program').nullable(),
  modelPath: absolutePath('a GGUF model file'),
  draftModelPath: absolutePath('a GGUF model file').nullable(),
  /** Model name that llama-server reports and that LiteLLM asks it for. */
  alias: z
    .string()
    .regex(/^[A-Za-z0-9._/-]{1,128}$/, '1 to 128 letters, digits, dots, dashes, underscores or slashes'),
  host,
  port,
  slots: wholeNumber(1, 64, 'a number of slots'),
  /** The whole `-c`: divided among the slots, or one pool for all of them when `unifiedKv` is on. */
  contextTokens: wholeNumber(256, 16_777_216, 'a number of tokens'),
  unifiedKv: z.boolean(),
  gpuLayers: wholeNumber(0, 999, 'a number of layers'),
  cacheTypeK: KvCacheTypeSchema,
  cacheTypeV: KvCacheTypeSchema,
  draftCacheTypeK: KvCacheTypeSchema,
  draftCacheTypeV: KvCacheTypeSchema,
  speculation: z.enum(['none', 'draft-simple', 'ngram-mod']),
  batchTokens: wholeNumber(32, 16_384, 'a number of tokens'),
  microBatchTokens: wholeNumber(32, 16_384, 'a number of tokens'),
  /** Host-memory prompt cache (`--cache-ram`); 0 turns it off. */
  promptCacheMiB: wholeNumber(0, 1_048_576, 'a number of MiB'),
  /** What conversations without a slot may take on disk; 0: they are dropped. 65,536 when absent. */
  parkedCacheMiB: wholeNumber(0, 16_777_216, 'a number of MiB').optional(),
  /** How long one may wait there unused; 168 when absent. */
  parkedCacheHours: wholeNumber(1, 8_760, 'a number of hours').optional(),
  /**
   * What requests are rendered with. `auto` (also when absent): the model's own chat template, or ours where that cannot
   * render tools and the model is known; `model`: always its own; else the path of a Jinja file.
   */
  chatTemplate: z
    .string()
    .refine(
      (value) => value === 'auto' || value === 'model' || value.startsWith('/'),
      'auto, model, or an absolute path to a Jinja chat template (starting with /)',
    )
    .optional(),
  /** How the model draws its next token where a client says nothing; null, or absent: as its file or llama-server has it. */
  sampling: z
    .strictObject({
      temperature: z.number('a number').min(0, 'at least 0').max(2, 'at most 2'),
      topP: z.number('a number').min(0, 'at least 0').max(1, 'at most 1'),
    })
    .nullable()
    .optional(),
  /** Literal flags that the user pins: passed last and unchanged, so they win over ours. */
  pinnedFlags: z.array(z.string().min(1).max(4096)).max(128),
})

/** As people write it: `auto` is one pool where the Router guards it (electron/core/kv-sharing.ts). */
const writtenLlamaServerProfile = llamaServerProfile.extend({
  unifiedKv: z.union([z.boolean(), z.literal('auto')], 'true, false, or auto'),
})

const proxyProfile = z.strictObject({
  host,
  port,
  /** The name clients were told; every other Claude model name is answered too. */
  modelName: z
    .string()
    .regex(/^[A-Za-z0-9._/-]{1,128}$/, '1 to 128 letters, digits, dots, dashes, underscores or slashes'),
  /** null: a key is generated once per state folder and kept in a 0600 file. */
  clientKey: apiKey.nullable(),
  stopSequences: z.array(z.string().min(1).max(256)).max(16),
  requestTimeoutSeconds: wholeNumber(1, 86_400, 'a number of seconds'),
  /** A LiteLLM config.yaml of the user's own, used instead of the generated one. */
  configPath: absolutePath('a LiteLLM config.yaml').nullable(),
  // What the Router adds to LiteLLM; each is on when absent, and none works with a configPath of one's own.
  /** `role: system` messages inside a conversation become user text in their place: the model's template keeps only the last. */
  joinSystemMessages: z.boolean().optional(),
  /** The client's attribution line, different in each session, is left out, so that sessions share the prompt cache. */
  dropAttribution: z.boolean().optional(),
  /** `temperature: 1`, which clients send without having chosen it, does not override the model's own. */
  keepModelSampling: z.boolean().optional(),
  /** A prompt that does not fit is answered with the sentence that makes Claude Code compact and go on. */
  refuseOverlongPrompts: z.boolean().optional(),
  /** No more requests than slots (and, in a pool, than tokens) go to llama-server at once; the others wait. */
  admission: z.boolean().optional(),
  /** Each conversation keeps a slot of llama-server, so that its next turn reads only what is new; only with admission. */
  pinConversations: z.boolean().optional(),
  /** How many may wait; one more is answered 529, unless its developer has none waiting. 16 when absent. */
  queueLimit: wholeNumber(0, 1000, 'a number of requests').optional(),
  /** The longest body that is read of a request; a longer one is answered 413. 32 MB, Anthropic's own limit, when absent. */
  maxBodyBytes: wholeNumber(65_536, 1_073_741_824, 'a number of bytes').optional(),
  /** Thinking is asked for in a form that LiteLLM takes, and turns of thoughts alone are left out. */
  mendThinking: z.boolean().optional(),
  /** Tools of the provider's own servers are left out or refused; schemas lose the keywords that the grammar can't take. */
  mendTools: z.boolean().optional(),
  /** Pictures and sounds that the model can't take are answered 400, in the words on which Claude Code goes on. */
  refuseUnseen: z.boolean().optional(),
  /** llama-server streams every answer, also those that clients want whole: only so it notices when a client leaves. */
  alwaysStream: z.boolean().optional(),
  /** Fields of llama-server's own that clients may send, such as `min_p`; none when absent. */
  passFields: z
    .array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_.]{0,63}$/, 'the name of a field, such as min_p'))
    .max(64, 'at most 64 fields')
    .optional(),
  /**
   * The tools that reach the model, besides those of MCP servers (mcp__*). Absent: those that a coding agent needs, of what
   * Claude Code sends; a list counts for every client; null: all tools.
   */
  tools: z
    .array(z.string().regex(/^[A-Za-z0-9_-]{1,128}$/, 'the name of a tool, such as WebFetch'))
    .max(128, 'at most 128 tools')
    .nullable()
    .optional(),
  /** LiteLLM's own metrics for Prometheus at /metrics/ of its port, for whoever has a key; off when absent. */
  litellmMetrics: z.boolean().optional(),
})

const ramDiskProfile = z.strictObject({
  volumeName: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,26}$/, '1 to 27 letters, digits, dots, dashes or underscores'),
  sizeMiB: wholeNumber(16, 4_194_304, 'a number of MiB'),
  /** null: /Volumes/NAME on macOS, a folder of the state folder on Linux. */
  mountPoint: absolutePath('a mount point').nullable(),
  /** macOS only; Linux has tmpfs. */
  filesystem: z.enum(['hfs+', 'apfs']),
})

/** Another Studio, whose llama-server is one more deployment of this Router. */
const nodeProfile = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/, '1 to 32 letters, digits, dots, dashes or underscores'),
  /** Where its llama-server listens, as this machine reaches it. */
  host,
  port,
  slots: wholeNumber(1, 64, 'a number of slots'),
  /** A file with that llama-server's key (`keys/engine.key` there), for its owner alone; null: it asks for none. */
  keyFile: absolutePath('a file with a key').nullable(),
})
export type NodeProfile = z.infer<typeof nodeProfile>
const nodeProfiles = z.array(nodeProfile).max(31, 'at most 31 other Studios')

/** In Traefik's own form: `:80` is port 80 of every address. */
export const ListenAddressSchema = z
  .string()
  .regex(/^(?:[0-9A-Za-z.-]*|\[[0-9A-Fa-f:]+\]):[1-9]\d{0,4}$/, 'such as :80 or 127.0.0.1:8000')
  .refine((text) => Number(/\d+$/.exec(text)?.[0]) <= 65_535, 'such as :80 or 127.0.0.1:8000')

/** Traefik in front of the Router, so that clients need no port. */
const gatewayProfile = z.strictObject({
  listen: ListenAddressSchema,
  /** null, or absent: the one that set-up installs. */
  binaryPath: absolutePath('the traefik program').nullable().optional(),
})
export type GatewayProfile = z.infer<typeof gatewayProfile>

export const ProfileSchema = z.strictObject({
  llamaServer: llamaServerProfile,
  proxy: proxyProfile,
  ramDisk: ramDiskProfile,
  /** null, or absent: none. */
  gateway: gatewayProfile.nullable().optional(),
  /** Absent: this Studio alone. */
  nodes: nodeProfiles.optional(),
})
export type Profile = z.infer<typeof ProfileSchema>

export const WrittenProfileSchema = ProfileSchema.extend({ llamaServer: writtenLlamaServerProfile })
export type WrittenProfile = z.infer<typeof WrittenProfileSchema>

/** A named profile of the user's: what differs from the one it extends. */
export const ProfileOverrideSchema = z.strictObject({
  extends: z.string().optional(),
  llamaServer: writtenLlamaServerProfile.partial().optional(),
  proxy: proxyProfile.partial().optional(),
  ramDisk: ramDiskProfile.partial().optional(),
  gateway: gatewayProfile.partial().nullable().optional(),
  nodes: nodeProfiles.optional(),
})
export type ProfileOverride = z.infer<typeof ProfileOverrideSchema>

const profileName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/, 'a lower-case name of letters, digits and dashes')

const timeOfDay = z.string().regex(/^([01][0-9]|2[0-3]):[0-5][0-9]$/, 'a time of day from 00:00 to 23:59')

export const GuestsSchema = z.union(
  [
    z.enum(['none', 'everyone']),
    z.strictObject({
      /** Their socket is given to it, which the system allows a user only with groups of their own (chown(2)). */
      group: z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/, 'the name of a group of this machine'),
    }),
  ],
  'none, everyone, or { "group": NAME }',
)
export type Guests = z.infer<typeof GuestsSchema>

export const ConfigSchema = z.strictObject({
  $schema: z.string().optional(),
  /** null: `studio` when its model files are there, else `demo`. */
  profile: profileName.nullable().default(null),
  profiles: z.record(profileName, ProfileOverrideSchema).default({}),
  /** How long `down` and `restart` let busy slots finish before it stops them. */
  drainSeconds: wholeNumber(0, 3600, 'a number of seconds').default(30),
  /** How long a service may take to end after SIGTERM before SIGKILL. */
  stopGraceSeconds: wholeNumber(1, 600, 'a number of seconds').default(10),
  notifications: z
    .strictObject({
      enabled: z.boolean().default(true),
      /** Local times between which nothing is raised; the tray and the window still say it. null: never quiet. */
      quietHours: z.strictObject({ from: timeOfDay, to: timeOfDay }).nullable().default(null),
    })
    .default({ enabled: true, quietHours: null }),
  /** What stands beside the menu-bar icon. */
  menuBarText: z.enum(['none', 'slots', 'slots-and-speed']).default('slots-and-speed'),
  /** Whether the app starts the stack when it is opened. */
  startStackAtLaunch: z.boolean().default(false),
  /** Port of 127.0.0.1 for Prometheus, at /metrics; absent or null: none. */
  metricsPort: port.nullable().optional(),
  /**
   * Which other users of this machine may see the stack and start, stop and restart it, never keys or settings; absent or
   * null: on macOS the group `staff`, which is everybody with an account, elsewhere nobody.
   */
  guests: GuestsSchema.nullable().optional(),
})
export type Config = z.infer<typeof ConfigSchema>

// --- Snapshot ---------------------------------------------------------------------------------------------------

const bytes = z.number().int().nonnegative()
const epochMs = z.number().int().nonnegative()
const count = z.number().int().nonnegative()
const perSecond = z.number().nonnegative()

export const PhaseSchema = z.enum(['stopped', 'starting', 'ready', 'degraded', 'stopping', 'failed'])
export type Phase = z.infer<typeof PhaseSchema>

/** A process that holds a port of ours and that we did not start. Parts the system would not tell are null. */
export const ForeignProcessSchema = z.strictObject({
  pid: count.nullable(),
  command: z.string().nullable(),
  user: z.string().nullable(),
})
export type ForeignProcess = z.infer<typeof ForeignProcessSchema>

export const ServiceStateSchema = z.strictObject({
  phase: PhaseSchema,
  since: epochMs,
  pid: count.nullable(),
  /** True when this core found the process running and took it over from an earlier core. */
  adopted: z.boolean(),
  foreign: ForeignProcessSchema.nullable(),
  /** Restarts after crashes since the user last started the service. */
  restarts: count,
  /** Why it is failed or degraded, in one sentence; null otherwise. */
  reason: z.string().nullable(),
  /** What it waits for while starting or stopping, in the service's own words; null otherwise. */
  waitingFor: z.string().nullable(),
  uptimeSeconds: z.number().nonnegative().nullable(),
  endpoint: z.string().nullable(),
})
export type ServiceState = z.infer<typeof ServiceStateSchema>

export const MemorySchema = z.strictObject({
  totalBytes: bytes,
  usedBytes: bytes,
  availableBytes: bytes,
  /** macOS only: Linux has no notion of wired memory, so it is null there. */
  wiredBytes: bytes.nullable(),
  compressedBytes: bytes.nullable(),
  swapUsedBytes: bytes.nullable(),
  swapOutBytesPerSecond: perSecond.nullable(),
  pressure: z.enum(['normal', 'warn', 'critical']).nullable(),
  gpuLimitBytes: bytes.nullable(),
  /** 0 to 100 over all cores since the reading before. */
  cpuPercent: z.number().min(0).max(100).nullable(),
})
export type Memory = z.infer<typeof MemorySchema>

/** What one workspace holds of the RAM disk. */
export const ForgeProjectSchema = z.strictObject({
  /** Its own folder; that of its build files when the former is not known. */
  path: z.string(),
  bytes,
  owner: z.string().nullable(),
  /** When something was last compiled in it. */
  lastBuildAt: epochMs.nullable(),
  building: z.boolean().nullable(),
})
export type ForgeProject = z.infer<typeof ForgeProjectSchema>

export const RamDiskSchema = z.strictObject({
  mountPoint: z.string(),
  mounted: z.boolean(),
  /** `shm-folder`: a plain folder under /dev/shm, where mounting is not allowed; its size is not enforced. */
  kind: z.enum(['tmpfs', 'shm-folder', 'hfs+', 'apfs']).nullable(),
  totalBytes: bytes.nullable(),
  usedBytes: bytes.nullable(),
  /**
   * What the program behind it really has in memory, deleted files included; null when that is not told, absent when it was
   * not looked at, as with projects.
   */
  heldBytes: bytes.nullable().optional(),
  /** By workspace, the largest first; absent when it was not looked at, which is done at leisure while builds change it. */
  projects: z.array(ForgeProjectSchema).optional(),
})
export type RamDisk = z.infer<typeof RamDiskSchema>

export const SlotSchema = z.strictObject({
  id: count,
  phase: z.enum(['idle', 'prefill', 'generating']),
  /** Tokens held in this slot's KV cache, also when idle; null before first use. */
  contextTokens: count.nullable(),
  contextLimit: count,
  promptTokens: count.nullable(),
  promptProcessed: count.nullable(),
  /** 0 to 1, from the server's own log line; null when it has not said. */
  prefillProgress: z.number().min(0).max(1).nullable(),
  generatedTokens: count.nullable(),
  tokensPerSecond: perSecond.nullable(),
  /** Whether the server really drafts in this slot, which is not the same as having been asked to. */
  speculative: z.boolean().nullable(),
  /** Who is served in it; null when idle, and when the Router's requests do not tell it without doubt. */
  developer: z.string().nullable(),
  /** Whose conversation it holds, also when idle; null: nobody's. Absent where the Router pins none. */
  held: z
    .strictObject({
      developer: z.string(),
      /** A few letters that tell a developer's conversations apart. */
      conversation: z.string(),
      /** Whether the client named it itself; else it was told by its text. */
      named: z.boolean(),
    })
    .nullable()
    .optional(),
})
export type Slot = z.infer<typeof SlotSchema>

export const QueueSchema = z.strictObject({ processing: count, deferred: count })
export type Queue = z.infer<typeof QueueSchema>

export const ThroughputSchema = z.strictObject({
  /** Over all slots since the reading before; null until two readings exist. */
  generationTokensPerSecond: perSecond.nullable(),
  promptTokensPerSecond: perSecond.nullable(),
  /** Accepted / drafted tokens since the server started, 0 to 1; null when nothing was drafted. */
  draftAcceptance: z.number().min(0).max(1).nullable(),
  tokensGeneratedTotal: count,
})
export type Throughput = z.infer<typeof ThroughputSchema>

/** One request that the Router has taken and not yet answered to its end. */
export const RouterRequestSchema = z.strictObject({
  id: z.string(),
  /** Name of the key that it came with. */
  developer: z.string(),
  /** `waiting`: for a free slot, or for room in the pool. */
  phase: z.enum(['waiting', 'prefill', 'generating']),
  startedAt: epochMs,
  /** When it got its turn; null while it waits. */
  admittedAt: epochMs.nullable(),
  firstTokenAt: epochMs.nullable(),
  promptTokens: count.nullable(),
  /** Tokens generated so far; null before the first. */
  outputTokens: count.nullable(),
  /** Which Studio serves it; null: this one, or not known yet. */
  node: z.string().nullable(),
  // Absent from a Router of an earlier release.
  /** Of the prompt, what was found in the cache and what was read; null until the answer ends, or where it does not say. */
  cachedTokens: count.nullable().optional(),
  readTokens: count.nullable().optional(),
  /** The slot of this Studio that it was sent to; null: not pinned, or not yet. */
  slot: count.nullable().optional(),
  /** As in `Slot.held`; null: a helper's, which nothing is kept of. */
  conversation: z.string().nullable().optional(),
})
export type RouterRequest = z.infer<typeof RouterRequestSchema>

/** What one developer has used since local midnight. */
export const DeveloperUseSchema = z.strictObject({
  developer: z.string(),
  requests: count,
  failed: count,
  promptTokens: count,
  outputTokens: count,
  /** Mean time from a request's arrival to its first token; null when none came. */
  meanFirstTokenMs: z.number().nonnegative().nullable(),
  /** Of the prompts whose answers said so, what was found in the cache and what was read. Absent from an earlier Router. */
  cachedTokens: count.optional(),
  readTokens: count.optional(),
})
export type DeveloperUse = z.infer<typeof DeveloperUseSchema>

/** Another Studio whose llama-server is a further deployment of this Router. */
export const StudioNodeSchema = z.strictObject({
  name: z.string(),
  endpoint: z.string(),
  phase: z.enum(['ready', 'degraded', 'unreachable']),
  reason: z.string().nullable(),
  slots: z.array(SlotSchema).nullable(),
  queue: QueueSchema.nullable(),
})
export type StudioNode = z.infer<typeof StudioNodeSchema>

/** One part of physical memory, in the order of the owner's map; they add up to the machine's memory. */
export const MemoryPartSchema = z.strictObject({
  id: z.enum(['engine', 'draft', 'kv', 'compute', 'forge', 'system', 'linker', 'free']),
  bytes,
  /** Of `bytes`, what is really in use: the forge's files. null where that is not told apart. */
  usedBytes: bytes.nullable(),
  /** `planned`: from the model files and the profile, not read from what runs. */
  source: z.enum(['measured', 'planned']),
})
export type MemoryPart = z.infer<typeof MemoryPartSchema>

/** The files that the running AI Engine was started with, by its command line: those of the profile may have changed since. */
export const EngineModelSchema = z.strictObject({
  modelPath: z.string(),
  draftModelPath: z.string().nullable(),
})
export type EngineModel = z.infer<typeof EngineModelSchema>

export const FitSchema = z.enum(['fits', 'fits-without-linker-reserve', 'does-not-fit'])

export const MemoryMapSchema = z.strictObject({
  parts: z.array(MemoryPartSchema),
  verdict: FitSchema,
  /** What the plan leaves over; negative when it does not fit. */
  spareBytes: z.number().int(),
})
export type MemoryMap = z.infer<typeof MemoryMapSchema>

/** Where in the window something is shown. */
export const viewIds = ['glance', 'logs', 'plan', 'doctor', 'clients', 'settings'] as const
export const ViewSchema = z.strictObject({ id: z.enum(viewIds), service: ServiceIdSchema.nullable() })
export type View = z.infer<typeof ViewSchema>

/** Something that happened and that a person may want to look back at. */
export const StackEventSchema = z.strictObject({
  at: epochMs,
  severity: z.enum(['info', 'warning', 'critical']),
  service: ServiceIdSchema.nullable(),
  text: z.string(),
})
export type StackEvent = z.infer<typeof StackEventSchema>

/** Something that holds now and that a person should know; it goes when it no longer holds. */
export const NoticeSchema = z.strictObject({
  /** One for each condition, such as `slots-full` or `crashed-proxy`: the same one twice is the same notice. */
  id: z.string(),
  since: epochMs,
  severity: z.enum(['info', 'warning', 'critical']),
  title: z.string(),
  body: z.string(),
  /** Where its cause is shown. */
  view: ViewSchema,
  /** Whether a system notification is due: not in quiet hours, not when notifications are off. */
  raise: z.boolean(),
})
export type Notice = z.infer<typeof NoticeSchema>

/** What is not installed yet, and how far its installation is. */
export const SetUpStateSchema = z.strictObject({
  missing: z.array(
    z.strictObject({ id: z.enum(['litellm', 'llama-server', 'demo-model', 'traefik']), text: z.string() }),
  ),
  running: z
    .strictObject({ message: z.string(), done: count.nullable(), total: count.nullable() })
    .nullable(),
  /** Why the last attempt ended, in one sentence; null when it did not fail. */
  failure: z.string().nullable(),
})
export type SetUpState = z.infer<typeof SetUpStateSchema>

/** The end-to-end message: one Anthropic /v1/messages call, client -> LiteLLM -> llama-server and back. */
export const ProofSchema = z.strictObject({
  provedAt: epochMs,
  milliseconds: z.number().nonnegative(),
  outputTokens: count,
  model: z.string(),
  /** When the chain was last checked without the model (keys, both servers); null before the first check. */
  checkedAt: epochMs.nullable(),
})
export type Proof = z.infer<typeof ProofSchema>

const orders = ['start', 'stop', 'restart'] as const
export type Order = (typeof orders)[number]

/**
 * Which command named each service last, from whichever window or shell; null: none since this core began. A command that
 * waits for its effect sees here that a later one made that pointless.
 */
const LastOrdersSchema = z.strictObject({
  ramDisk: z.enum(orders).nullable(),
  llamaServer: z.enum(orders).nullable(),
  proxy: z.enum(orders).nullable(),
})
export type LastOrders = z.infer<typeof LastOrdersSchema>

export const SnapshotSchema = z.strictObject({
  version: z.literal(contractVersion),
  takenAt: epochMs,
  /** `background`: started by `nexus up` or an app; ends by itself once everything was stopped by a command, unless an app keeps it. */
  owner: z.strictObject({
    pid: count,
    host: z.enum(['app', 'cli']),
    background: z.boolean(),
    since: epochMs,
    /** Another user's core: their name, which the guest's end fills in by the socket's owner. Absent: one's own. */
    user: z.string().optional(),
  }),
  profile: z.string(),
  /** `ready` only after the end-to-end proof. */
  overall: PhaseSchema,
  services: z.strictObject({
    ramDisk: ServiceStateSchema,
    llamaServer: ServiceStateSchema,
    proxy: ServiceStateSchema,
    /** Absent: the profile has none. Failed or degraded it makes `overall` degraded; what is proved is the Router's own way. */
    gateway: ServiceStateSchema.optional(),
  }),
  /** Absent: a core of an earlier release. */
  lastOrders: LastOrdersSchema.optional(),
  /** null: no AI Engine of ours runs. */
  engineModel: EngineModelSchema.nullable(),
  /** Why the AI Engine generates without drafts although it was asked to, one sentence. Absent: it drafts, or was not asked. */
  speculationFailure: z.string().optional(),
  proof: ProofSchema.nullable(),
  /** Why the end-to-end message did not come back, in one sentence; null when it did or was not tried yet. */
  proofFailure: z.string().nullable(),
  memory: MemorySchema.nullable(),
  ramDisk: RamDiskSchema.nullable(),
  slots: z.array(SlotSchema).nullable(),
  queue: QueueSchema.nullable(),
  throughput: ThroughputSchema.nullable(),
  /** null: the Router does not say, or does not run. */
  requests: z.array(RouterRequestSchema).nullable(),
  developers: z.array(DeveloperUseSchema).nullable(),
  /** Empty when the profile names no other Studio. */
  nodes: z.array(StudioNodeSchema),
  memoryMap: MemoryMapSchema.nullable(),
  /** The latest last, 20 at most. */
  events: z.array(StackEventSchema),
  notices: z.array(NoticeSchema),
  /** null when everything that the profile needs is installed. */
  setUp: SetUpStateSchema.nullable(),
})
export type Snapshot = z.infer<typeof SnapshotSchema>

// --- History ----------------------------------------------------------------------------------------------------

/** One step of the charts; null: nothing was read in it. */
export const HistorySampleSchema = z.strictObject({
  at: epochMs,
  generationTokensPerSecond: perSecond.nullable(),
  promptTokensPerSecond: perSecond.nullable(),
  busySlots: count.nullable(),
  waiting: count.nullable(),
})
export type HistorySample = z.infer<typeof HistorySampleSchema>

export const historyStepMs = 5_000
/** The last 15 minutes. */
export const historyLength = 180

// --- Query and Answer -------------------------------------------------------------------------------------------

const nullableText = z.string().nullable()

export const PlanAnswerSchema = z.strictObject({
  profile: z.string(),
  /** Why this profile. */
  because: z.string(),
  problems: z.array(z.string()),
  /** null: `memoryUnknown` says why. */
  memory: z
    .strictObject({
      verdict: FitSchema,
      reasons: z.array(z.string()),
      lines: z.array(
        z.strictObject({
          label: z.string(),
          bytes: bytes.nullable(),
          estimated: z.boolean(),
          note: nullableText,
          /** What the running llama-server says it allocated for it. */
          allocatedBytes: bytes.nullable(),
        }),
      ),
      totalBytes: bytes,
      machineBytes: bytes,
      gpuNeededBytes: bytes,
      gpuLimitBytes: bytes.nullable(),
      suggestions: z.array(z.string()),
      warnings: z.array(z.string()),
      /** What each agent really gets. */
      agents: z.string(),
    })
    .nullable(),
  memoryUnknown: nullableText,
  /** What the Router does to requests, switch by switch. */
  router: z.array(z.strictObject({ setting: z.string(), on: z.boolean(), does: z.string() })),
  /** null: the profile has none. */
  gateway: z
    .strictObject({
      endpoint: z.string(),
      port,
      argv: z.array(z.string()),
      /** What of it is so for which reason. */
      notes: z.array(z.string()),
    })
    .nullable(),
  engine: z.strictObject({
    version: nullableText,
    /** null: it cannot be planned, `problems` says why. */
    argv: z.array(z.string()).nullable(),
    adaptations: z.array(
      z.strictObject({ flag: z.string(), seed: nullableText, ours: nullableText, reason: z.string() }),
    ),
    warnings: z.array(z.string()),
    problems: z.array(z.string()),
  }),
})
export type PlanAnswer = z.infer<typeof PlanAnswerSchema>

export const DoctorAnswerSchema = z.strictObject({
  profile: z.string(),
  because: z.string(),
  checks: z.array(
    z.strictObject({
      id: z.string(),
      group: z.string(),
      title: z.string(),
      /** `unknown`: could not be found out; counts as a warning. */
      level: z.enum(['ok', 'warn', 'fail', 'unknown']),
      found: z.string(),
      why: z.string(),
      /** A command to paste, or a sentence that starts with a capital letter; null when nothing is to be mended. */
      mend: nullableText,
    }),
  ),
})
export type DoctorAnswer = z.infer<typeof DoctorAnswerSchema>

/** Without secrets: keys are masked, and what is copied is asked for by `snippet`. */
export const ClientsAnswerSchema = z.strictObject({
  baseUrl: z.string(),
  /** What stands in the way of clients, in one sentence; null when nothing does. */
  warning: nullableText,
  developers: z.array(
    z.strictObject({
      name: z.string(),
      maskedKey: z.string(),
      snippets: z.array(
        z.strictObject({
          /** Such as `bash`, `powershell`, `fish`, `claude-settings`, `ssh-config`. */
          id: z.string(),
          title: z.string(),
          /** The text with the key masked. */
          masked: z.string(),
          /** What each line is for; empty when it speaks for itself. */
          notes: z.array(z.string()),
        }),
      ),
    }),
  ),
})
export type ClientsAnswer = z.infer<typeof ClientsAnswerSchema>

export const SettingsAnswerSchema = z.strictObject({
  path: z.string(),
  /** Names the file's present content, for `configure`. */
  revision: z.string(),
  /** Keys are eight stars, and keep what they are when they come back as that. */
  config: ConfigSchema,
  /** Why the file cannot be used, one sentence for each problem; then `config` is the last good one. */
  problems: z.array(z.string()),
  profileNames: z.array(z.string()),
  /** Which one would be chosen without a configured profile; null: its profiles cannot be read. */
  automaticProfileName: nullableText,
  profileName: z.string(),
  /** The profile that a restart of everything would take now: the configured one, else the one that runs. */
  profile: ProfileSchema,
  /** What runs with other values than a restart of everything would take now; empty when nothing runs. */
  restartNeeded: z.array(
    z.strictObject({
      key: z.string(),
      running: z.string(),
      configured: z.string(),
      /** A restart leaves the RAM disk as it is mounted: for this it is ejected first. Absent: no. */
      needsEject: z.boolean().optional(),
    }),
  ),
})
export type SettingsAnswer = z.infer<typeof SettingsAnswerSchema>

/** The forge has no process and so no log; the core has one of its own. */
export const logIds = [...supervisedIds, 'core'] as const
export const LogIdSchema = z.enum(logIds)
export type LogId = z.infer<typeof LogIdSchema>

export const DeveloperNameSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/, '1 to 32 letters, digits, dots, dashes or underscores')

/** Questions whose answers are no part of a snapshot: asked for when somebody looks. */
export const QuerySchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('plan') }),
  z.strictObject({ type: z.literal('doctor') }),
  z.strictObject({ type: z.literal('clients') }),
  z.strictObject({ type: z.literal('settings') }),
  z.strictObject({
    type: z.literal('logTail'),
    log: LogIdSchema,
    lines: wholeNumber(1, 5000, 'a number of lines'),
  }),
])
export type Query = z.infer<typeof QuerySchema>

export interface Answers {
  readonly plan: PlanAnswer
  readonly doctor: DoctorAnswer
  readonly clients: ClientsAnswer
  readonly settings: SettingsAnswer
  readonly logTail: readonly string[]
}

export const answerSchemas = {
  plan: PlanAnswerSchema,
  doctor: DoctorAnswerSchema,
  clients: ClientsAnswerSchema,
  settings: SettingsAnswerSchema,
  logTail: z.array(z.string()),
} as const satisfies { readonly [T in keyof Answers]: z.ZodType }

// --- The window -------------------------------------------------------------------------------------------------

/** What the window mirrors: the core's truth, and how the app stands to that core. */
export const AppStateSchema = z.strictObject({
  link: z.discriminatedUnion('kind', [
    /** To the core, which is always a process of its own. */
    z.strictObject({
      kind: z.literal('attached'),
      pid: count,
      /** Whose it is, when it is another user's: this app is a guest there. null: this user's own. */
      user: nullableText,
    }),
    z.strictObject({ kind: z.literal('connecting') }),
    /** No core answers; nothing that was read before is live. */
    z.strictObject({ kind: z.literal('lost'), reason: z.string() }),
  ]),
  /** null unless attached. */
  snapshot: SnapshotSchema.nullable(),
  pinned: z.boolean(),
  openAtLogin: z.enum(['on', 'off', 'requires-approval', 'unavailable']),
  /** Why the system shows no notifications of ours; null when it does or none was tried. */
  notificationsRefused: nullableText,
  version: z.string(),
})
export type AppState = z.infer<typeof AppStateSchema>

/** What the window may ask of the app itself. */
export const AppActionSchema = z.discriminatedUnion('type', [
  /** Puts a snippet with its key on the clipboard: the key itself never reaches the window. */
  z.strictObject({
    type: z.literal('copySnippet'),
    developer: DeveloperNameSchema,
    snippet: z.string().max(64),
  }),
  z.strictObject({ type: z.literal('copyText'), text: z.string().max(1_048_576) }),
  z.strictObject({ type: z.literal('pin'), pinned: z.boolean() }),
  z.strictObject({ type: z.literal('hide') }),
  z.strictObject({ type: z.literal('quit') }),
  z.strictObject({ type: z.literal('openAtLogin'), on: z.boolean() }),
  z.strictObject({
    type: z.literal('openPage'),
    page: z.enum(['notification-settings', 'login-items', 'llama-server-help']),
  }),
])
export type AppAction = z.infer<typeof AppActionSchema>

/** `window.nexus`: all that the preload script lets the window do. */
export interface Bridge {
  /** Calls `listener` with the present state first; the returned function ends that. */
  onState(listener: (state: AppState) => void): () => void
  /** The whole history first, then each new sample as an array of one. */
  onHistory(listener: (samples: readonly HistorySample[]) => void): () => void
  /** New lines of a log, from now on. */
  onLogLines(log: LogId, listener: (lines: readonly string[]) => void): () => void
  /** A notification or a menu asks for a view. */
  onView(listener: (view: View) => void): () => void
  dispatch(command: Command): Promise<Outcome>
  ask<T extends Query['type']>(query: Extract<Query, { type: T }>): Promise<Answers[T]>
  act(action: AppAction): Promise<Outcome>
}

// --- Command and Outcome ----------------------------------------------------------------------------------------

/** The lines of a memory plan, in the order of the Studio's map. */
export const planLineIds = [
  'weights',
  'draftWeights',
  'projector',
  'ramDisk',
  'kvTarget',
  'kvDraft',
  'compute',
  'program',
  'checkpoints',
  'promptCache',
  'os',
  'linker',
] as const

export const planSuggestionIds = [
  'draft-kv-q4_0',
  'no-draft',
  'smaller-pool',
  'smaller-split',
  'smaller-ram-disk',
  'smaller-prompt-cache',
  'gpu-limit',
] as const

export const CommandSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('start'),
    only: CommandedIdSchema.nullable(),
    /** null: whatever this core already runs, else the configured choice. */
    profile: z.string().nullable(),
    /** Start although the memory plan says it does not fit. */
    force: z.boolean(),
    /** End a llama-server or LiteLLM that somebody else started on our port first; absent: no. */
    replaceForeign: z.boolean().optional(),
    /** Install first what is missing for it, which a snapshot's `setUp` tells; absent: no. */
    setUp: z.boolean().optional(),
  }),
  z.strictObject({
    type: z.literal('stop'),
    only: CommandedIdSchema.nullable(),
    eject: z.boolean(),
    /** Do not let busy slots finish. */
    now: z.boolean(),
    /** Eject a RAM disk although files on it are open. */
    force: z.boolean(),
  }),
  z.strictObject({
    type: z.literal('restart'),
    only: CommandedIdSchema.nullable(),
    /** Do not let busy slots finish; absent: they may, as with a stop. */
    now: z.boolean().optional(),
  }),
  /** Replaces the config file, unless it has changed since `revision` was read. */
  z.strictObject({ type: z.literal('configure'), config: ConfigSchema, revision: z.string() }),
  z.strictObject({
    type: z.literal('key'),
    action: z.enum(['create', 'rotate', 'revoke']),
    developer: DeveloperNameSchema,
  }),
])
export type Command = z.infer<typeof CommandSchema>

const largestContext = z.strictObject({ contextTokens: count, tokensPerAgent: count }).nullable()

/** The memory plan that refused a start, as the core made it (core/memory-plan says what each number is). */
const MisfitSchema = z.strictObject({
  lines: z
    .array(
      z.strictObject({
        id: z.enum(planLineIds),
        label: z.string(),
        bytes: bytes.nullable(),
        estimated: z.boolean(),
        seedBytes: bytes.nullable(),
        note: nullableText,
      }),
    )
    .readonly(),
  totalBytes: bytes,
  withoutLinkerBytes: bytes,
  machineBytes: bytes,
  gpu: z.strictObject({ neededBytes: bytes, limitBytes: bytes.nullable() }),
  verdict: z.enum([...FitSchema.options, 'unknown']),
  reasons: z.array(z.string()).readonly(),
  uncounted: nullableText,
  agents: z.strictObject({
    mode: z.enum(['split', 'pool']),
    agents: count,
    tokensPerAgent: count,
    tokensTogether: count,
    note: z.string(),
  }),
  largest: z.strictObject({ split: largestContext, pool: largestContext }),
  suggestions: z
    .array(
      z.strictObject({
        id: z.enum(planSuggestionIds),
        text: z.string(),
        savesBytes: bytes,
        isEnough: z.boolean(),
      }),
    )
    .readonly(),
  draft: z
    .discriminatedUnion('verdict', [
      z.strictObject({ verdict: z.literal('compatible') }),
      z.strictObject({ verdict: z.literal('mismatch'), reason: z.string(), hint: z.string() }),
      z.strictObject({ verdict: z.literal('unknown'), reason: z.string(), hint: z.string() }),
    ])
    .nullable(),
  warnings: z.array(z.string()).readonly(),
  swapRule: z.string(),
  sharedEmbeddingBytes: z.strictObject({ target: bytes, draft: bytes }),
})

/** A command answers only "accepted" or why not; its effect arrives in the next snapshots. */
export const OutcomeSchema = z.discriminatedUnion('accepted', [
  z.strictObject({
    accepted: z.literal(true),
    /** What a start with `setUp` took, and why; absent: what runs goes on. */
    profile: z.strictObject({ name: z.string(), because: z.string() }).optional(),
  }),
  z.strictObject({
    accepted: z.literal(false),
    reason: z.string(),
    /** Where a start was refused because it does not fit. */
    misfit: MisfitSchema.optional(),
  }),
])
export type Outcome = z.infer<typeof OutcomeSchema>
