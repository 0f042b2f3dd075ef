// Parses llama-server's /slots, in every layout recorded from 2024 to 2026.

export interface RawSlot {
  readonly id: number
  readonly contextLimit: number
  readonly processing: boolean
  readonly taskId: number | null
  /** `n_prompt_tokens`: what the KV cache holds, generated tokens included; not the size of the prompt. */
  readonly promptTokensHeld: number | null
  readonly promptProcessed: number | null
  readonly promptCached: number | null
  readonly decoded: number | null
  readonly speculative: boolean | null
}

export type SlotsReading =
  | { readonly kind: 'slots'; readonly slots: readonly RawSlot[] }
  | { readonly kind: 'unreadable'; readonly reason: string }

/** The profile allows 64; a server that isn't ours may have more, within reason. */
const maxSlots = 1024

export function parseSlots(json: unknown): SlotsReading {
  if (!Array.isArray(json)) return unreadable(errorMessageOf(json) ?? '/slots is not a list')
  if (json.length > maxSlots) return unreadable(`/slots lists ${json.length} slots, more than ${maxSlots}`)
  const slots: RawSlot[] = []
  for (const [index, entry] of json.entries()) {
    const slot = parseSlot(entry)
    if (typeof slot === 'string') return unreadable(`/slots[${index}]: ${slot}`)
    if (slots.some((other) => other.id === slot.id)) return unreadable(`/slots lists slot ${slot.id} twice`)
    slots.push(slot)
  }
  return { kind: 'slots', slots }
}

/** Returns a string when the entry is wrong: the reason. */
function parseSlot(entry: unknown): RawSlot | string {
  if (!isRecord(entry)) return 'not an object'
  const id = readCount(entry, 'id')
  const contextLimit = readCount(entry, 'n_ctx')
  if (typeof id !== 'number') return 'id is not a whole number'
  if (typeof contextLimit !== 'number') return 'n_ctx is not a whole number'
  const processing = readProcessing(entry)
  if (processing === null) return 'neither is_processing nor state is usable'
  // 2026 builds have a list with one object per sequence, earlier ones a single object; a fresh slot has neither.
  const nextToken = Array.isArray(entry['next_token']) ? entry['next_token'][0] : entry['next_token']
  if (nextToken !== undefined && !isRecord(nextToken)) return 'next_token is not an object'
  const numbers = {
    promptTokensHeld: readCount(entry, 'n_prompt_tokens'),
    promptProcessed: readCount(entry, 'n_prompt_tokens_processed'),
    promptCached: readCount(entry, 'n_prompt_tokens_cache'),
    decoded: readFirstCount(nextToken ?? {}, ['n_decoded', 'num_tokens_predicted']),
  }
  const taskId = readTaskId(entry)
  const { promptTokensHeld, promptProcessed, promptCached, decoded } = numbers
  if (
    promptTokensHeld === 'wrong' ||
    promptProcessed === 'wrong' ||
    promptCached === 'wrong' ||
    decoded === 'wrong'
  )
    return 'a token count is not a whole number'
  if (taskId === 'wrong') return 'id_task is not a whole number'
  const speculative = entry['speculative']
  if (speculative !== undefined && typeof speculative !== 'boolean') return 'speculative is not true or false'
  return {
    id,
    contextLimit,
    processing,
    taskId,
    promptTokensHeld,
    promptProcessed,
    promptCached,
    decoded,
    speculative: speculative ?? null,
  }
}

/** 2024 builds have `state` 0 or 1. `has_next_token` is true on idle slots too, so it doesn't help. */
function readProcessing(entry: Record<string, unknown>): boolean | null {
  const flag = entry['is_processing']
  if (typeof flag === 'boolean') return flag
  const state = entry['state']
  return flag === undefined && (state === 0 || state === 1) ? state === 1 : null
}

function readTaskId(entry: Record<string, unknown>): number | null | 'wrong' {
  const value = entry['id_task'] ?? entry['task_id']
  if (value === undefined || value === -1) return null
  return isCount(value) ? value : 'wrong'
}

function readCount(entry: Record<string, unknown>, key: string): number | null | 'wrong' {
  const value = entry[key]
  if (value === undefined || value === null) return null
  return isCount(value) ? value : 'wrong'
}

const readFirstCount = (entry: Record<string, unknown>, keys: readonly string[]) =>
  readCount(entry, keys.find((key) => entry[key] !== undefined) ?? '')

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const unreadable = (reason: string): SlotsReading => ({ kind: 'unreadable', reason })

/** For bodies like `{"error":{"message":"Loading model"}}`: the server's own message is the best reason. */
function errorMessageOf(json: unknown): string | null {
  const error = isRecord(json) ? json['error'] : null
  const message = isRecord(error) ? error['message'] : null
  return typeof message === 'string' && message !== '' ? message.slice(0, 300) : null
}
