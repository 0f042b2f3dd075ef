// A profile: the settings of the services.
import * as z from 'zod'
import { absolutePath, apiKey, host, port, wholeNumber } from './values.ts'

/** KV cache types of llama.cpp (`--help`, b10068 and b10434 list the same nine). */
export const kvCacheTypes = ['f32', 'f16', 'bf16', 'q8_0', 'q4_0', 'q4_1', 'iq4_nl', 'q5_0', 'q5_1'] as const
export const KvCacheTypeSchema = z.enum(kvCacheTypes)
export type KvCacheType = z.infer<typeof KvCacheTypeSchema>

const hostsRule =
  'an IP address or host name, or a list of them without overlaps, such as ["127.0.0.1", "10.0.0.2"]'

/** "Overlapping addresses result in undefined behavior" (llama-server's --help); `::` in a list is IPv6 only. */
const overlap = (addresses: readonly string[]): boolean => {
  const shadows = (all: string) =>
    addresses.includes(all) && addresses.some((one) => one !== all && one.includes(':') === all.includes(':'))
  return new Set(addresses).size < addresses.length || shadows('0.0.0.0') || shadows('::')
}

/** Builds since September 2026 listen on several addresses (llama.cpp#28690). */
const hosts = z.union(
  [host, z.array(host).refine((addresses) => addresses.length > 0 && !overlap(addresses), hostsRule)],
  hostsRule,
)

const llamaServerProfile = z.strictObject({
  /** null: searched in app resources, Homebrew's prefix, PATH, then what set-up installed. */
  binaryPath: absolutePath('the llama-server program').nullable(),
  modelPath: absolutePath('a GGUF model file'),
  draftModelPath: absolutePath('a GGUF model file').nullable(),
  /** The model name that llama-server reports and LiteLLM requests. */
  alias: z
    .string()
    .regex(/^[A-Za-z0-9._/-]{1,128}$/, '1 to 128 letters, digits, dots, dashes, underscores or slashes'),
  host: hosts,
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
  /** Disk space for conversations without a slot; 0: they are dropped. 65,536 when absent. */
  parkedCacheMiB: wholeNumber(0, 16_777_216, 'a number of MiB').optional(),
  /** How long an unused one is kept there; 168 when absent. */
  parkedCacheHours: wholeNumber(1, 8_760, 'a number of hours').optional(),
  /**
   * The chat template for requests. `auto` (also when absent): the model's own, or ours if that can't render tools and the
   * model is known; `model`: always its own; else the path of a Jinja file.
   */
  chatTemplate: z
    .string()
    .refine(
      (value) => value === 'auto' || value === 'model' || value.startsWith('/'),
      'auto, model, or an absolute path to a Jinja chat template (starting with /)',
    )
    .optional(),
  /** Sampling when a client sets none; null, or absent: the defaults of the model file or llama-server. */
  sampling: z
    .strictObject({
      temperature: z.number('a number').min(0, 'at least 0').max(2, 'at most 2'),
      topP: z.number('a number').min(0, 'at least 0').max(1, 'at most 1'),
    })
    .nullable()
    .optional(),
  /** Literal flags pinned by the user: passed last and unchanged, so they override ours. */
  pinnedFlags: z.array(z.string().min(1).max(4096)).max(128),
})

/** As written in the config: `auto` means one pool if the Router guards it (electron/core/config/kv-sharing.ts). */
const writtenLlamaServerProfile = llamaServerProfile.extend({
  unifiedKv: z.union([z.boolean(), z.literal('auto')], 'true, false, or auto'),
})

const proxyProfile = z.strictObject({
  host,
  port,
  /** The model name for clients; every other Claude model name works too. */
  modelName: z
    .string()
    .regex(/^[A-Za-z0-9._/-]{1,128}$/, '1 to 128 letters, digits, dots, dashes, underscores or slashes'),
  /** null: a key is generated once per state folder and kept in a 0600 file. */
  clientKey: apiKey.nullable(),
  stopSequences: z.array(z.string().min(1).max(256)).max(16),
  requestTimeoutSeconds: wholeNumber(1, 86_400, 'a number of seconds'),
  /** The user's own LiteLLM config.yaml, used instead of the generated one. */
  configPath: absolutePath('a LiteLLM config.yaml').nullable(),
  // The Router's additions to LiteLLM; each is on when absent, and none works with the user's own configPath.
  /** Turns `role: system` messages inside a conversation into user text: the model's template keeps only the last one. */
  joinSystemMessages: z.boolean().optional(),
  /** Drops the client's attribution line, which differs in each session, so that sessions share the prompt cache. */
  dropAttribution: z.boolean().optional(),
  /** Keeps the model's own sampling when clients send `temperature: 1`, which they send by default. */
  keepModelSampling: z.boolean().optional(),
  /** Answers a prompt that does not fit with the sentence that makes Claude Code compact and continue. */
  refuseOverlongPrompts: z.boolean().optional(),
  /** Sends llama-server no more requests at once than it has slots (and, in a pool, tokens); the others wait. */
  admission: z.boolean().optional(),
  /** Pins each conversation to a slot of llama-server, so that its next turn reads only the new tokens; needs admission. */
  pinConversations: z.boolean().optional(),
  /** How many requests may wait; another one gets 529, unless its developer has none waiting. 16 when absent. */
  queueLimit: wholeNumber(0, 1000, 'a number of requests').optional(),
  /** The largest request body; a larger one gets 413. 32 MB, Anthropic's own limit, when absent. */
  maxBodyBytes: wholeNumber(65_536, 1_073_741_824, 'a number of bytes').optional(),
  /** Converts thinking requests into a form that LiteLLM accepts, and drops turns with only thoughts. */
  mendThinking: z.boolean().optional(),
  /** Drops or refuses tools of the provider's own servers, and removes schema keywords that the grammar can't handle. */
  mendTools: z.boolean().optional(),
  /** Answers images and audio that the model can't process with 400, in the words on which Claude Code continues. */
  refuseUnseen: z.boolean().optional(),
  /** Streams every answer from llama-server, even if the client wants it whole: only then does it notice when a client leaves. */
  alwaysStream: z.boolean().optional(),
  /** llama-server's own fields that clients may send, such as `min_p`; none when absent. */
  passFields: z
    .array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_.]{0,63}$/, 'the name of a field, such as min_p'))
    .max(64, 'at most 64 fields')
    .optional(),
  /**
   * The tools that reach the model, besides those of MCP servers (mcp__*). Absent: of Claude Code's tools, those that a coding
   * agent needs; a list applies to every client; null: all tools.
   */
  tools: z
    .array(z.string().regex(/^[A-Za-z0-9_-]{1,128}$/, 'the name of a tool, such as WebFetch'))
    .max(128, 'at most 128 tools')
    .nullable()
    .optional(),
  /** LiteLLM's own metrics for Prometheus at /metrics/ on its port, for clients with a key; off when absent. */
  litellmMetrics: z.boolean().optional(),
})

const ramDiskProfile = z.strictObject({
  volumeName: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,26}$/, '1 to 27 letters, digits, dots, dashes or underscores'),
  sizeMiB: wholeNumber(16, 4_194_304, 'a number of MiB'),
  /** null: /Volumes/NAME on macOS, a folder in the state folder on Linux. */
  mountPoint: absolutePath('a mount point').nullable(),
  /** macOS only; Linux has tmpfs. */
  filesystem: z.enum(['hfs+', 'apfs']),
})

/** Another Studio, whose llama-server is another deployment of this Router. */
const nodeProfile = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/, '1 to 32 letters, digits, dots, dashes or underscores'),
  /** The address of its llama-server, as seen from this machine. */
  host,
  port,
  slots: wholeNumber(1, 64, 'a number of slots'),
  /** A file with that llama-server's key (`keys/engine.key` there), readable only by its owner; null: it needs none. */
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

/** A user's named profile: its differences from the one that it extends. */
export const ProfileOverrideSchema = z.strictObject({
  extends: z.string().optional(),
  llamaServer: writtenLlamaServerProfile.partial().optional(),
  proxy: proxyProfile.partial().optional(),
  ramDisk: ramDiskProfile.partial().optional(),
  gateway: gatewayProfile.partial().nullable().optional(),
  nodes: nodeProfiles.optional(),
})
export type ProfileOverride = z.infer<typeof ProfileOverrideSchema>
