// A snapshot: the whole observable state at one instant.
import * as z from 'zod'
import { NoticeSchema, StackEventSchema } from './notice.ts'
import { bytes, count, epochMs, perSecond } from './values.ts'

/** Increased when a field changes meaning, so that an old window rejects a new core with a message instead of misreading it. */
export const contractVersion = 4

export const PhaseSchema = z.enum(['stopped', 'starting', 'ready', 'degraded', 'stopping', 'failed'])
export type Phase = z.infer<typeof PhaseSchema>

/** A process on one of our ports that we did not start. Parts that the system doesn't reveal are null. */
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
  /** macOS only: Linux has no wired memory, so it is null there. */
  wiredBytes: bytes.nullable(),
  compressedBytes: bytes.nullable(),
  swapUsedBytes: bytes.nullable(),
  swapOutBytesPerSecond: perSecond.nullable(),
  pressure: z.enum(['normal', 'warn', 'critical']).nullable(),
  gpuLimitBytes: bytes.nullable(),
  /** 0 to 100 over all cores since the last reading. */
  cpuPercent: z.number().min(0).max(100).nullable(),
})
export type Memory = z.infer<typeof MemorySchema>

/** One workspace's share of the RAM disk. */
export const ForgeProjectSchema = z.strictObject({
  /** The workspace folder; if unknown, the folder of its build files. */
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
   * The memory it really holds, deleted files included; null when unknown, absent when not read, as with projects.
   */
  heldBytes: bytes.nullable().optional(),
  /** By workspace, the largest first; absent when not read, which happens at a slow pace while builds change it. */
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
  /** 0 to 1, from the server's own log line; null before one. */
  prefillProgress: z.number().min(0).max(1).nullable(),
  generatedTokens: count.nullable(),
  tokensPerSecond: perSecond.nullable(),
  /** Whether the server really drafts in this slot, not whether it was asked to. */
  speculative: z.boolean().nullable(),
  /** The developer it serves; null when idle, or when the Router's requests leave doubt. */
  developer: z.string().nullable(),
  /** The conversation it holds, also when idle; null: none. Absent if the Router doesn't pin conversations. */
  held: z
    .strictObject({
      developer: z.string(),
      /** A short id that distinguishes a developer's conversations. */
      conversation: z.string(),
      /** Whether the client named the conversation; else it was recognised by its text. */
      named: z.boolean(),
    })
    .nullable()
    .optional(),
})
export type Slot = z.infer<typeof SlotSchema>

export const QueueSchema = z.strictObject({ processing: count, deferred: count })
export type Queue = z.infer<typeof QueueSchema>

export const ThroughputSchema = z.strictObject({
  /** Over all slots since the last reading; null until two readings exist. */
  generationTokensPerSecond: perSecond.nullable(),
  promptTokensPerSecond: perSecond.nullable(),
  /** Accepted / drafted tokens since the server started, 0 to 1; null when nothing was drafted. */
  draftAcceptance: z.number().min(0).max(1).nullable(),
  tokensGeneratedTotal: count,
})
export type Throughput = z.infer<typeof ThroughputSchema>

/** A request that the Router has accepted and not yet fully answered. */
export const RouterRequestSchema = z.strictObject({
  id: z.string(),
  /** Name of its key. */
  developer: z.string(),
  /** `waiting`: for a free slot, or for room in the pool. */
  phase: z.enum(['waiting', 'prefill', 'generating']),
  startedAt: epochMs,
  /** When it was let through; null while it waits. */
  admittedAt: epochMs.nullable(),
  firstTokenAt: epochMs.nullable(),
  promptTokens: count.nullable(),
  /** Tokens generated so far; null before the first. */
  outputTokens: count.nullable(),
  /** The Studio that serves it; null: this one, or not known yet. */
  node: z.string().nullable(),
  // Absent from an older Router.
  /** Prompt tokens found in the cache and read; null until the answer ends, or when not reported. */
  cachedTokens: count.nullable().optional(),
  readTokens: count.nullable().optional(),
  /** The slot of this Studio that it was sent to; null: not pinned, or not yet. */
  slot: count.nullable().optional(),
  /** As in `Slot.held`; null: a helper request, of which nothing is kept. */
  conversation: z.string().nullable().optional(),
})
export type RouterRequest = z.infer<typeof RouterRequestSchema>

/** One developer's use since local midnight. */
export const DeveloperUseSchema = z.strictObject({
  developer: z.string(),
  requests: count,
  failed: count,
  promptTokens: count,
  outputTokens: count,
  /** Mean time from a request's arrival to its first token; null without any token. */
  meanFirstTokenMs: z.number().nonnegative().nullable(),
  /**
   * Prompt tokens found in the cache and read, over the answers that reported them; null: none did. Absent from an older
   * Router.
   */
  cachedTokens: count.nullable().optional(),
  readTokens: count.nullable().optional(),
})
export type DeveloperUse = z.infer<typeof DeveloperUseSchema>

/** Another Studio, whose llama-server is another deployment of this Router. */
export const StudioNodeSchema = z.strictObject({
  name: z.string(),
  endpoint: z.string(),
  phase: z.enum(['ready', 'degraded', 'unreachable']),
  reason: z.string().nullable(),
  slots: z.array(SlotSchema).nullable(),
  queue: QueueSchema.nullable(),
})
export type StudioNode = z.infer<typeof StudioNodeSchema>

/** One part of physical memory, in the order of the owner's map; the parts add up to the machine's memory. */
export const MemoryPartSchema = z.strictObject({
  id: z.enum(['engine', 'draft', 'kv', 'compute', 'forge', 'system', 'linker', 'free']),
  bytes,
  /** The part of `bytes` really in use: the forge's files. null if not distinguished. */
  usedBytes: bytes.nullable(),
  /** `planned`: from model files and profile, not measured. */
  source: z.enum(['measured', 'planned']),
})
export type MemoryPart = z.infer<typeof MemoryPartSchema>

/** The model files on the running AI Engine's command line: the profile may have changed since. */
export const EngineModelSchema = z.strictObject({
  modelPath: z.string(),
  draftModelPath: z.string().nullable(),
})
export type EngineModel = z.infer<typeof EngineModelSchema>

export const FitSchema = z.enum(['fits', 'fits-without-linker-reserve', 'does-not-fit'])

export const MemoryMapSchema = z.strictObject({
  parts: z.array(MemoryPartSchema),
  verdict: FitSchema,
  /** Bytes left over by the plan; negative when it does not fit. */
  spareBytes: z.number().int(),
})
export type MemoryMap = z.infer<typeof MemoryMapSchema>

/** Parts that are not installed yet, and the progress of the installation. */
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

/** A model that the core fetches, waits to fetch, or has fetched since it began. */
export const ModelFetchSchema = z.strictObject({
  /** The id for fetching it again: REPO, REPO:FILE or the catalogue name. */
  id: z.string(),
  /** The current or last file; null before it is known. */
  file: z.string().nullable(),
  /** Over all files of the model. */
  doneBytes: bytes,
  totalBytes: bytes.nullable(),
  bytesPerSecond: perSecond.nullable(),
  secondsLeft: z.number().nonnegative().nullable(),
  /**
   * `queued`: behind another fetch. `checking`: hashing the file on disk. `waiting`: for the next try; `reason` says why.
   */
  phase: z.enum(['queued', 'listing', 'fetching', 'checking', 'waiting', 'done', 'failed', 'cancelled']),
  /** Why it waits or failed, in one sentence; when done, the path of the model. */
  reason: z.string().nullable(),
})
export type ModelFetch = z.infer<typeof ModelFetchSchema>

/** A missing model of the profile that can be fetched to where the profile expects it. */
export const MissingModelSchema = z.strictObject({
  /** For `fetchModel`. */
  model: z.string(),
  file: z.string(),
  profile: z.string(),
  bytes: bytes.nullable(),
})
export type MissingModel = z.infer<typeof MissingModelSchema>

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
 * The last command for each service, from any window or shell; null: none since this core started. A command that waits for
 * its effect sees here that a later one has overtaken it.
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
  /**
   * `background`: started by `nexus up` or an app; exits once a command has stopped everything, unless an app keeps it or it
   * fetches a model.
   */
  owner: z.strictObject({
    pid: count,
    background: z.boolean(),
    since: epochMs,
    /** For another user's core, the user's name, filled in by the guest's client from the socket's owner. Absent: our own core. */
    user: z.string().optional(),
  }),
  profile: z.string(),
  /** `ready` only after the end-to-end proof. */
  overall: PhaseSchema,
  services: z.strictObject({
    ramDisk: ServiceStateSchema,
    llamaServer: ServiceStateSchema,
    proxy: ServiceStateSchema,
    /** Absent: the profile has none. If failed or degraded, `overall` is degraded; the proof uses the Router's own address. */
    gateway: ServiceStateSchema.optional(),
  }),
  /** Absent: an older core. */
  lastOrders: LastOrdersSchema.optional(),
  /** null: no AI Engine of ours runs. */
  engineModel: EngineModelSchema.nullable(),
  /** Why the AI Engine generates without the requested drafts, in one sentence. Absent: it drafts, or was not asked to. */
  speculationFailure: z.string().optional(),
  proof: ProofSchema.nullable(),
  /** Why the end-to-end message got no answer, in one sentence; null when it got one or was not tried yet. */
  proofFailure: z.string().nullable(),
  memory: MemorySchema.nullable(),
  ramDisk: RamDiskSchema.nullable(),
  slots: z.array(SlotSchema).nullable(),
  queue: QueueSchema.nullable(),
  throughput: ThroughputSchema.nullable(),
  /** null: the Router does not report them, or does not run. */
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
  // Absent: an older core.
  /** The latest last; finished ones are kept for a while. */
  fetches: z.array(ModelFetchSchema).optional(),
  missingModels: z.array(MissingModelSchema).optional(),
})
export type Snapshot = z.infer<typeof SnapshotSchema>
