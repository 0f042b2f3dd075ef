// THE boundary: Config, Snapshot, Command and Outcome. Everyone who attaches (CLI, window, socket) speaks only this.
import { z } from 'zod'

/** Increased when a field changes meaning, so that an old window refuses a new core in words instead of misreading it. */
export const contractVersion = 1

export const serviceIds = ['ramDisk', 'llamaServer', 'proxy'] as const
export const ServiceIdSchema = z.enum(serviceIds)
export type ServiceId = z.infer<typeof ServiceIdSchema>

/** What people call the services; ids stay in code and JSON. */
export const serviceNames: Readonly<Record<ServiceId, string>> = {
  ramDisk: 'Build Forge',
  llamaServer: 'AI Engine',
  proxy: 'Router',
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
  /** Literal flags that the user pins: passed last and unchanged, so they win over ours. */
  pinnedFlags: z.array(z.string().min(1).max(4096)).max(128),
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

export const ProfileSchema = z.strictObject({
  llamaServer: llamaServerProfile,
  proxy: proxyProfile,
  ramDisk: ramDiskProfile,
})
export type Profile = z.infer<typeof ProfileSchema>

/** A named profile of the user's: what differs from the one it extends. */
export const ProfileOverrideSchema = z.strictObject({
  extends: z.string().optional(),
  llamaServer: llamaServerProfile.partial().optional(),
  proxy: proxyProfile.partial().optional(),
  ramDisk: ramDiskProfile.partial().optional(),
})
export type ProfileOverride = z.infer<typeof ProfileOverrideSchema>

const profileName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/, 'a lower-case name of letters, digits and dashes')

export const ConfigSchema = z.strictObject({
  $schema: z.string().optional(),
  /** null: `studio` when its model files are there, else `demo`. */
  profile: profileName.nullable().default(null),
  profiles: z.record(profileName, ProfileOverrideSchema).default({}),
  /** How long `down` lets busy slots finish before it stops them. */
  drainSeconds: wholeNumber(0, 3600, 'a number of seconds').default(30),
  /** How long a service may take to end after SIGTERM before SIGKILL. */
  stopGraceSeconds: wholeNumber(1, 600, 'a number of seconds').default(10),
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
  swapUsedBytes: bytes,
  swapOutBytesPerSecond: perSecond.nullable(),
  pressure: z.enum(['normal', 'warn', 'critical']).nullable(),
  gpuLimitBytes: bytes.nullable(),
  /** 0 to 100 over all cores since the reading before. */
  cpuPercent: z.number().min(0).max(100).nullable(),
})
export type Memory = z.infer<typeof MemorySchema>

export const RamDiskSchema = z.strictObject({
  mountPoint: z.string(),
  mounted: z.boolean(),
  /** `shm-folder`: a plain folder under /dev/shm, where mounting is not allowed; its size is not enforced. */
  kind: z.enum(['tmpfs', 'shm-folder', 'hfs+', 'apfs']).nullable(),
  totalBytes: bytes.nullable(),
  usedBytes: bytes.nullable(),
  projects: z.array(z.strictObject({ path: z.string(), bytes })).optional(),
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

export const SnapshotSchema = z.strictObject({
  version: z.literal(contractVersion),
  takenAt: epochMs,
  /** `background`: started by `nexus up`, and ends by itself once everything was stopped by a command. */
  owner: z.strictObject({
    pid: count,
    host: z.enum(['app', 'cli']),
    background: z.boolean(),
    since: epochMs,
  }),
  profile: z.string(),
  /** `ready` only after the end-to-end proof. */
  overall: PhaseSchema,
  services: z.strictObject({
    ramDisk: ServiceStateSchema,
    llamaServer: ServiceStateSchema,
    proxy: ServiceStateSchema,
  }),
  proof: ProofSchema.nullable(),
  /** Why the end-to-end message did not come back, in one sentence; null when it did or was not tried yet. */
  proofFailure: z.string().nullable(),
  memory: MemorySchema.nullable(),
  ramDisk: RamDiskSchema.nullable(),
  slots: z.array(SlotSchema).nullable(),
  queue: QueueSchema.nullable(),
  throughput: ThroughputSchema.nullable(),
})
export type Snapshot = z.infer<typeof SnapshotSchema>

// --- Command and Outcome ----------------------------------------------------------------------------------------

export const CommandSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('start'),
    only: ServiceIdSchema.nullable(),
    /** null: whatever this core already runs, else the configured choice. */
    profile: z.string().nullable(),
    /** Start although the memory plan says it does not fit. */
    force: z.boolean(),
    /** End a llama-server or LiteLLM that somebody else started on our port first; absent: no. */
    replaceForeign: z.boolean().optional(),
  }),
  z.strictObject({
    type: z.literal('stop'),
    only: ServiceIdSchema.nullable(),
    eject: z.boolean(),
    /** Do not let busy slots finish. */
    now: z.boolean(),
    /** Eject a RAM disk although files on it are open. */
    force: z.boolean(),
  }),
  z.strictObject({ type: z.literal('restart'), only: ServiceIdSchema.nullable() }),
])
export type Command = z.infer<typeof CommandSchema>

/** A command answers only "accepted" or why not; its effect arrives in the next snapshots. */
export const OutcomeSchema = z.discriminatedUnion('accepted', [
  z.strictObject({ accepted: z.literal(true) }),
  z.strictObject({ accepted: z.literal(false), reason: z.string() }),
])
export type Outcome = z.infer<typeof OutcomeSchema>
