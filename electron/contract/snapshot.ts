// The whole observable state at one instant.
import * as z from 'zod'
import { NoticeSchema, StackEventSchema } from './notice.ts'
import { bytes, count, epochMs, perSecond } from './values.ts'

/** Increased when a field changes meaning, so that an old window refuses a new core in words instead of misreading it. */
export const contractVersion = 2

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
  /**
   * Of the prompts whose answers said so, what was found in the cache and what was read; null: none did. Absent from an
   * earlier Router.
   */
  cachedTokens: count.nullable().optional(),
  readTokens: count.nullable().optional(),
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

/** A model that the core fetches, waits to fetch, or has fetched since it began. */
export const ModelFetchSchema = z.strictObject({
  /** As it is asked for again: REPO, REPO:FILE or the catalogue's name. */
  id: z.string(),
  /** The file that is fetched now, or last; null before it is known. */
  file: z.string().nullable(),
  /** Of all files of the model. */
  doneBytes: bytes,
  totalBytes: bytes.nullable(),
  bytesPerSecond: perSecond.nullable(),
  secondsLeft: z.number().nonnegative().nullable(),
  /**
   * `queued`: behind another one. `checking`: the hash is made of what lies on the disk. `waiting`: until it is tried again,
   * `reason` says why.
   */
  phase: z.enum(['queued', 'listing', 'fetching', 'checking', 'waiting', 'done', 'failed', 'cancelled']),
  /** Why it waits or failed, in one sentence; where the model lies, once it is done. */
  reason: z.string().nullable(),
})
export type ModelFetch = z.infer<typeof ModelFetchSchema>

/** A model of the profile's that isn't here and that can be fetched to where the profile looks for it. */
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
  /** `background`: started by `nexus up` or an app; ends by itself once everything was stopped by a command, unless an app keeps it or it fetches a model. */
  owner: z.strictObject({
    pid: count,
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
  // Absent: a core of an earlier release.
  /** The latest last; those that ended are kept for a while. */
  fetches: z.array(ModelFetchSchema).optional(),
  missingModels: z.array(MissingModelSchema).optional(),
})
export type Snapshot = z.infer<typeof SnapshotSchema>
