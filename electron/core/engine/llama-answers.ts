// Parses llama-server's answers: /slots, in every layout recorded from 2024 to 2026, and /metrics (Prometheus text).
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

export type LlamaMetrics = Readonly<NonNullable<ReturnType<typeof parseMetrics>>>

const maxMetricsCharacters = 1_000_000

/** null when no line is llama-server's: a different server, an error body, an empty answer. */
export function parseMetrics(text: string) {
  const values = new Map<string, number>()
  for (const line of text.slice(0, maxMetricsCharacters).split('\n')) {
    const match = /^llamacpp:([a-z_]+)(?:\{[^}]*\})?\s+(\S+)/.exec(line.trim())
    if (match === null) continue
    const value = Number(match[2])
    if (match[1] !== undefined && Number.isFinite(value) && value >= 0) values.set(match[1], value)
  }
  if (values.size === 0) return null
  const read = (name: string) => values.get(name) ?? null
  const count = (name: string) => {
    const value = read(name)
    return value === null ? null : Math.round(value)
  }
  const tokensPredictedTotal = count('tokens_predicted_total')
  return {
    promptTokensTotal: count('prompt_tokens_total'),
    /** Moves only when a request ends (measured on b10068 and b10434); a cancelled request is never counted. */
    tokensPredictedTotal,
    /** Resolution of the total: 6 digits are printed, so 2.16578e+06 counts in tens. */
    tokensPredictedStep: printedStep(tokensPredictedTotal ?? 0),
    requestsProcessing: count('requests_processing'),
    requestsDeferred: count('requests_deferred'),
    /** Absent on b10068. */
    draftTokensTotal: count('spec_decode_num_draft_tokens_total'),
    draftAcceptedTotal: count('spec_decode_num_accepted_tokens_total'),
  }
}

const printedStep = (value: number) => (value < 1_000_000 ? 1 : 10 ** (Math.floor(Math.log10(value)) - 5))
