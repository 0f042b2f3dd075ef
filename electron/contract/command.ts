// Requests for changes, and their outcomes.
import * as z from 'zod'
import { ConfigSchema } from './config.ts'
import { CommandedIdSchema } from './service-ids.ts'
import { FitSchema } from './snapshot.ts'
import { bytes, count, nullableText } from './values.ts'

export const DeveloperNameSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/, '1 to 32 letters, digits, dots, dashes or underscores')

export const CommandSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('start'),
    only: CommandedIdSchema.nullable(),
    /** null: the profile that this core already runs, else the configured one. */
    profile: z.string().nullable(),
    /** A model of the catalogue: the core composes a profile for it, whatever `profile` says; absent: none. */
    model: z.string().min(1).max(512).optional(),
    /** Start although the memory plan says it does not fit. */
    force: z.boolean(),
    /** First end a llama-server or LiteLLM on our port that we did not start; absent: no. */
    replaceForeign: z.boolean().optional(),
    /** First install the missing parts listed in a snapshot's `setUp`; absent: no. */
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
    /** Do not let busy slots finish; absent: let them, as with a stop. */
    now: z.boolean().optional(),
  }),
  /** Replaces the config file, unless it has changed since `revision` was read. */
  z.strictObject({ type: z.literal('configure'), config: ConfigSchema, revision: z.string() }),
  z.strictObject({
    type: z.literal('key'),
    action: z.enum(['create', 'rotate', 'revoke']),
    developer: DeveloperNameSchema,
  }),
  /** Fetches a model, or resumes its fetch; no effect on one that is already being fetched. */
  z.strictObject({
    type: z.literal('fetchModel'),
    /** A catalogue name, REPO, or REPO:FILE. */
    model: z.string().min(1).max(512),
    /** A mirror of the Hub; null: the core's own HF_ENDPOINT, else the Hub. */
    endpoint: z.string().max(2048).nullable(),
    /** Only for the Hub, kept in memory only; null: the core's own, else the one in the state folder's file. */
    token: z
      .string()
      .regex(/^[\x21-\x7e]{1,512}$/, 'a token of printable ASCII characters without blanks')
      .nullable(),
  }),
  /** The downloaded part stays for the next fetch. */
  z.strictObject({ type: z.literal('cancelFetch'), id: z.string().max(512) }),
])
export type Command = z.infer<typeof CommandSchema>

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

/** An outcome only says "accepted" or why not; the effect arrives in the next snapshots. */
export const OutcomeSchema = z.discriminatedUnion('accepted', [
  z.strictObject({
    accepted: z.literal(true),
    /** The profile that a start with `setUp` chose, and why; absent: the running one is kept. */
    profile: z.strictObject({ name: z.string(), because: z.string() }).optional(),
  }),
  z.strictObject({
    accepted: z.literal(false),
    reason: z.string(),
    /** Present when a start was refused because it does not fit. */
    misfit: MisfitSchema.optional(),
  }),
])
export type Outcome = z.infer<typeof OutcomeSchema>
