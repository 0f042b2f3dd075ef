// The memory plan: whether a profile fits this machine, in the lines of the Studio's map.
import * as z from 'zod'
import { FitSchema } from './snapshot.ts'
import { bytes, count, nullableText } from './values.ts'

/** In the order of the Studio's map. */
export const PlanLineSchema = z.strictObject({
  id: z.enum([
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
  ]),
  label: z.string(),
  /** null: can't be counted; the note says why. */
  bytes: bytes.nullable(),
  estimated: z.boolean(),
  /** The size in the Studio's map; null when the map has no such line (or the profile is not the Studio's). */
  seedBytes: bytes.nullable(),
  note: nullableText,
})
export type PlanLine = Readonly<z.infer<typeof PlanLineSchema>>

const SuggestionSchema = z.strictObject({
  id: z.enum([
    'draft-kv-q4_0',
    'no-draft',
    'smaller-pool',
    'smaller-split',
    'smaller-ram-disk',
    'smaller-prompt-cache',
    'gpu-limit',
  ]),
  text: z.string(),
  savesBytes: bytes,
  /** True when this change alone makes everything fit, linker reserve included. */
  isEnough: z.boolean(),
})
export type Suggestion = Readonly<z.infer<typeof SuggestionSchema>>

const LargestContextSchema = z.strictObject({
  contextTokens: count,
  /** Each agent's share (split), or what one may grow to while the others are small (pool). */
  tokensPerAgent: count,
})
export type LargestContext = Readonly<z.infer<typeof LargestContextSchema>>

const AgentsShareSchema = z.strictObject({
  mode: z.enum(['split', 'pool']),
  agents: count,
  /** Split: each agent's share. Pool: what one agent may grow to while the others are small. */
  tokensPerAgent: count,
  /** All agents together. */
  tokensTogether: count,
  note: z.string(),
})
export type AgentsShare = Readonly<z.infer<typeof AgentsShareSchema>>

export const MemoryPlanSchema = z.strictObject({
  lines: z.array(PlanLineSchema).readonly(),
  /** Everything, including the linker reserve; too low when `uncounted` is set. */
  totalBytes: bytes,
  withoutLinkerBytes: bytes,
  machineBytes: bytes,
  gpu: z.strictObject({ neededBytes: bytes, limitBytes: bytes.nullable() }),
  verdict: z.enum([...FitSchema.options, 'unknown']),
  /** One sentence for each bound that was checked. */
  reasons: z.array(z.string()).readonly(),
  /** Why the sums are too low; null when everything was counted. */
  uncounted: nullableText,
  agents: AgentsShareSchema,
  /** The largest contexts that fit with all reserves; null when none does. */
  largest: z.strictObject({ split: LargestContextSchema.nullable(), pool: LargestContextSchema.nullable() }),
  suggestions: z.array(SuggestionSchema).readonly(),
  warnings: z.array(z.string()).readonly(),
  swapRule: z.string(),
  /** For comparing with the log: embedding pages that two mapped buffers may share. */
  sharedEmbeddingBytes: z.strictObject({ target: bytes, draft: bytes }),
})
export type MemoryPlan = Readonly<z.infer<typeof MemoryPlanSchema>>
