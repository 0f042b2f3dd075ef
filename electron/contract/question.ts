// Questions that a snapshot doesn't answer, and their answers.
import * as z from 'zod'
import { ConfigSchema } from './config.ts'
import { MemoryPlanSchema, PlanLineSchema } from './memory-plan.ts'
import { ProfileSchema } from './profile.ts'
import { LogIdSchema } from './service-ids.ts'
import { FitSchema } from './snapshot.ts'
import { bytes, count, nullableText, perSecond, port, wholeNumber } from './values.ts'

/** One difference between our llama-server command line and the start script's ("the seed"), with its reason. */
const AdaptationSchema = z.strictObject({
  flag: z.string(),
  /** null: not in the seed's line. */
  seed: nullableText,
  /** null: not passed. */
  ours: nullableText,
  reason: z.string(),
  /** This build of llama-server has no such flag; absent: it has. */
  isLacking: z.literal(true).optional(),
})
export type Adaptation = z.infer<typeof AdaptationSchema>

export const PlanAnswerSchema = z.strictObject({
  profile: z.string(),
  /** Why this profile. */
  because: z.string(),
  problems: z.array(z.string()),
  /** null: `memoryUnknown` says why. */
  memory: MemoryPlanSchema.extend({
    verdict: FitSchema,
    /** `allocatedBytes`: what the running llama-server reports as allocated for it. */
    lines: z.array(PlanLineSchema.omit({ id: true }).extend({ allocatedBytes: bytes.nullable() })).readonly(),
  }).nullable(),
  memoryUnknown: nullableText,
  /** The Router's behaviours, one for each switch. */
  router: z.array(z.strictObject({ setting: z.string(), on: z.boolean(), does: z.string() })),
  /** null: the profile has none. */
  gateway: z
    .strictObject({
      endpoint: z.string(),
      port,
      argv: z.array(z.string()),
      /** The reasons behind it. */
      notes: z.array(z.string()),
    })
    .nullable(),
  engine: z.strictObject({
    version: nullableText,
    /** null: it can't be planned; `problems` says why. */
    argv: z.array(z.string()).readonly().nullable(),
    adaptations: z.array(AdaptationSchema).readonly(),
    warnings: z.array(z.string()).readonly(),
    problems: z.array(z.string()).readonly(),
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
      /** `unknown`: the check got no answer; counts as a warning. */
      level: z.enum(['ok', 'warn', 'fail', 'unknown']),
      found: z.string(),
      why: z.string(),
      /** The fix: a command to paste, or a sentence that starts with a capital letter; null: nothing to fix. */
      mend: nullableText,
    }),
  ),
})
export type DoctorAnswer = z.infer<typeof DoctorAnswerSchema>

/** Without secrets: keys are masked; text for the clipboard comes from `snippet`. */
export const ClientsAnswerSchema = z.strictObject({
  baseUrl: z.string(),
  /** What may stop clients, in one sentence; null: nothing. */
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
          /** The purpose of each line; empty when it is obvious. */
          notes: z.array(z.string()),
        }),
      ),
    }),
  ),
})
export type ClientsAnswer = z.infer<typeof ClientsAnswerSchema>

export const SettingsAnswerSchema = z.strictObject({
  path: z.string(),
  /** Identifies the file's current content, for `configure`. */
  revision: z.string(),
  /** Keys are shown as eight stars; sent back as stars, they stay unchanged. */
  config: ConfigSchema,
  /** Why the file can't be used, one sentence for each problem; `config` is then the last good one. */
  problems: z.array(z.string()),
  /** The machine's model, chip, cores, memory and system in one line; null, or absent: unknown, or not yet read. */
  machine: nullableText.optional(),
  profileNames: z.array(z.string()),
  /** The profile that would be chosen without a configured one; null: the profiles can't be read. */
  automaticProfileName: nullableText,
  profileName: z.string(),
  /** The profile that a full restart would use now: the configured one, else the running one. */
  profile: ProfileSchema,
  /** Running values that differ from those of a full restart; empty when nothing runs. */
  restartNeeded: z.array(
    z.strictObject({
      key: z.string(),
      running: z.string(),
      configured: z.string(),
      /** Whether the RAM disk must be ejected first, since a restart leaves it mounted. Absent: no. */
      needsEject: z.boolean().optional(),
    }),
  ),
})
export type SettingsAnswer = z.infer<typeof SettingsAnswerSchema>

/** The models that were judged, what serves agents best first. */
export const ModelsAnswerSchema = z.strictObject({
  /** For how many agents it is planned. */
  agents: count,
  /** What an agent is expected to send first. */
  firstTurnTokens: count,
  /** The machine in one line; null: it doesn't say, or not yet. */
  machine: nullableText,
  /** null: no model for agents fits with a workable context. */
  bestId: nullableText,
  models: z.array(
    z.strictObject({
      /** For `fetchModel`. */
      id: z.string(),
      name: z.string(),
      weightBytes: bytes.nullable(),
      fit: z.enum(['fits', 'does-not-fit', 'unknown']),
      /** Why it cannot be planned; null where it can. */
      whyUnknown: nullableText,
      /** With all reserves; null where it fits or isn't known. */
      neededBytes: bytes.nullable(),
      /** The context of each agent when all are full; null where it doesn't fit or isn't known. */
      tokensPerAgent: count.nullable(),
      /** At the published rate of the machine in `source`. */
      firstTurnSeconds: z.number().nonnegative().nullable(),
      generationTokensPerSecond: perSecond.nullable(),
      /** Machine, engine, date and address of the published speed. */
      source: nullableText,
      isHere: z.boolean(),
      /** false: set-up installs it. */
      canFetch: z.boolean(),
    }),
  ),
  /** What the table has no room for, one sentence or two each. */
  notes: z.array(z.string()),
})
export type ModelsAnswer = z.infer<typeof ModelsAnswerSchema>

/** Questions whose answers aren't in a snapshot: asked when a view needs them. */
export const QuerySchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('plan') }),
  z.strictObject({ type: z.literal('doctor') }),
  z.strictObject({ type: z.literal('models') }),
  z.strictObject({ type: z.literal('clients') }),
  z.strictObject({ type: z.literal('settings') }),
  z.strictObject({
    type: z.literal('logTail'),
    log: LogIdSchema,
    lines: wholeNumber(1, 5000, 'a number of lines'),
  }),
])
export type Query = z.infer<typeof QuerySchema>

export const answerSchemas = {
  plan: PlanAnswerSchema,
  doctor: DoctorAnswerSchema,
  models: ModelsAnswerSchema,
  clients: ClientsAnswerSchema,
  settings: SettingsAnswerSchema,
  logTail: z.array(z.string()).readonly(),
} satisfies Record<Query['type'], z.ZodType>

export type Answers = { readonly [T in Query['type']]: z.infer<(typeof answerSchemas)[T]> }
