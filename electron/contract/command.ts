// Requests to change something, and how each is answered.
import * as z from 'zod'
import { ConfigSchema } from './config.ts'
import { ServiceIdSchema } from './service-ids.ts'

export const DeveloperNameSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/, '1 to 32 letters, digits, dots, dashes or underscores')

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
  z.strictObject({
    type: z.literal('restart'),
    only: ServiceIdSchema.nullable(),
    /** Do not let busy slots finish; absent: they may, as with a stop. */
    now: z.boolean().optional(),
  }),
  /** Install what is missing for the profile that would be started, then start it when asked to. */
  z.strictObject({ type: z.literal('setUp'), thenStart: z.boolean() }),
  /** Replaces the config file, unless it has changed since `revision` was read. */
  z.strictObject({ type: z.literal('configure'), config: ConfigSchema, revision: z.string() }),
  z.strictObject({
    type: z.literal('key'),
    action: z.enum(['create', 'rotate', 'revoke']),
    developer: DeveloperNameSchema,
  }),
])
export type Command = z.infer<typeof CommandSchema>

/** A command answers only "accepted" or why not; its effect arrives in the next snapshots. */
export const OutcomeSchema = z.discriminatedUnion('accepted', [
  z.strictObject({ accepted: z.literal(true) }),
  z.strictObject({ accepted: z.literal(false), reason: z.string() }),
])
export type Outcome = z.infer<typeof OutcomeSchema>
