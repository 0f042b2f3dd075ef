// Parses llama-server's /slots, in every layout recorded from 2024 to 2026.
import { z } from 'zod'

export type RawSlot = Readonly<ReturnType<typeof readSlot>>

/** The profile allows 64; a server that isn't ours may have more, within reason. */
const maxSlots = 1024

const count = z.number().int().nonnegative()
const taskId = z.union([count, z.literal(-1)]).nullish()
const NextTokenSchema = z.object({ n_decoded: count.nullish(), num_tokens_predicted: count.nullish() })

const SlotSchema = z
  .object({
    id: count,
    n_ctx: count,
    is_processing: z.boolean().optional(),
    /** Of 2024, instead of `is_processing`. `has_next_token` is true on idle slots too, so it doesn't help. */
    state: z.unknown().optional(),
    id_task: taskId,
    task_id: taskId,
    n_prompt_tokens: count.nullish(),
    n_prompt_tokens_processed: count.nullish(),
    n_prompt_tokens_cache: count.nullish(),
    /** 2026 builds have a list with one object per sequence, earlier ones a single object; a fresh slot has neither. */
    next_token: z.union([NextTokenSchema, z.array(NextTokenSchema)]).optional(),
    speculative: z.boolean().optional(),
  })
  .refine(({ is_processing, state }) => is_processing !== undefined || state === 0 || state === 1)

/** null: an error body, or another server's answer. */
export function parseSlots(json: unknown): readonly RawSlot[] | null {
  const slots = z.array(SlotSchema).max(maxSlots).safeParse(json).data?.map(readSlot) ?? null
  return slots !== null && new Set(slots.map(({ id }) => id)).size === slots.length ? slots : null
}

function readSlot(slot: z.infer<typeof SlotSchema>) {
  const next = Array.isArray(slot.next_token) ? slot.next_token[0] : slot.next_token
  const task = slot.id_task ?? slot.task_id ?? -1
  return {
    id: slot.id,
    contextLimit: slot.n_ctx,
    processing: slot.is_processing ?? slot.state === 1,
    taskId: task === -1 ? null : task,
    /** What the KV cache holds, generated tokens included; not the size of the prompt. */
    promptTokensHeld: slot.n_prompt_tokens ?? null,
    promptProcessed: slot.n_prompt_tokens_processed ?? null,
    promptCached: slot.n_prompt_tokens_cache ?? null,
    decoded: next?.n_decoded ?? next?.num_tokens_predicted ?? null,
    speculative: slot.speculative ?? null,
  }
}
