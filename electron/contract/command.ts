// Requests for changes, and their outcomes.
import * as z from 'zod'
import { ConfigSchema } from './config.ts'
import { MemoryPlanSchema } from './memory-plan.ts'
import { type CommandedId, CommandedIdSchema } from './service-ids.ts'

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

/** Of one service, or of all, with the profile of the config. */
export const startCommand = (only: CommandedId | null) =>
  ({ type: 'start', only, profile: null, force: false }) as const

/** Like `nexus down`: busy slots may finish, and the RAM disk keeps its files. */
export const stopCommand = (only: CommandedId | null) =>
  ({ type: 'stop', only, eject: false, now: false, force: false }) as const

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
    misfit: MemoryPlanSchema.optional(),
  }),
])
export type Outcome = z.infer<typeof OutcomeSchema>
