// Folds successive /slots readings and log events into the contract's slots: phase, progress, tokens per second.
import type { Slot } from '../../contract/snapshot.ts'
import type { RawSlot } from './llama-answers.ts'
import type { LlamaLogEvent } from './llama-log.ts'

/** What a busy slot works on. */
export interface SlotTask {
  readonly slotId: number
  /** llama-server numbers tasks in the order in which requests arrive. */
  readonly taskId: number
  /** Length of the whole prompt; null while unknown. */
  readonly promptTokens: number | null
}

/** The busy slots in one answer of llama-server. */
export interface SlotTasks {
  /** ms since the epoch when llama-server was asked. */
  readonly askedAt: number
  readonly tasks: readonly SlotTask[]
}

/** A task that is generating, with its token count so far. */
export interface ActiveTask {
  readonly slotId: number
  readonly taskId: number
  readonly decoded: number
}

export type SlotsView = ReturnType<typeof viewOf>

interface Tracked {
  readonly raw: RawSlot
  readonly atMs: number
  /** The decoded count belongs to the previous task, see `looksStale`. */
  readonly stale: boolean
  readonly slot: Slot
}

interface Prefill {
  readonly taskId: number
  readonly progress: number | null
  readonly promptTokens: number | null
}

export function createSlotTracker() {
  let tracked = new Map<number, Tracked>()
  const prefills = new Map<number, Prefill>()

  const applyLog = (event: LlamaLogEvent) => {
    if (event.kind === 'launch') {
      prefills.set(event.slotId, { taskId: event.taskId, progress: null, promptTokens: null })
    } else if (event.kind === 'prefill' || event.kind === 'prompt') {
      const known = prefills.get(event.slotId)
      const before = known?.taskId === event.taskId ? known : { progress: null, promptTokens: null }
      prefills.set(event.slotId, {
        taskId: event.taskId,
        progress: event.kind === 'prefill' ? event.progress : before.progress,
        promptTokens: event.kind === 'prompt' ? event.promptTokens : before.promptTokens,
      })
    } else if (event.kind === 'release') prefills.delete(event.slotId)
    else if (event.kind === 'listening') prefills.clear()
  }

  return {
    applyLog,
    /** A new server process. */
    reset: () => {
      tracked = new Map()
      prefills.clear()
    },
    applySlots: (slots: readonly RawSlot[], atMs: number): SlotsView => {
      const now = new Map<number, Tracked>()
      for (const raw of slots) now.set(raw.id, trackSlot(raw, atMs, tracked.get(raw.id) ?? null, prefills))
      tracked = now
      return viewOf([...now.values()])
    },
    /** The last reading plus newer progress from the log: on b10068 /slots blocks while the log goes on. */
    current: (): SlotsView =>
      viewOf(
        [...tracked.values()].map((entry) => ({
          ...entry,
          slot: withPrefill(entry.slot, entry.raw, prefills),
        })),
      ),
  }
}

function trackSlot(
  raw: RawSlot,
  atMs: number,
  before: Tracked | null,
  prefills: ReadonlyMap<number, Prefill>,
): Tracked {
  const stale = looksStale(raw, before)
  const phase = phaseOf(raw, stale)
  const generating = phase === 'generating'
  const slot: Slot = {
    id: raw.id,
    phase,
    contextTokens: raw.promptTokensHeld,
    contextLimit: raw.contextLimit,
    promptTokens: generating ? sumOrNull(raw.promptProcessed, raw.promptCached) : null,
    // b10068 shows the previous task's count until the first batch of the next one.
    promptProcessed:
      phase === 'idle' || (stale && raw.promptProcessed === before?.raw.promptProcessed)
        ? null
        : raw.promptProcessed,
    prefillProgress: null,
    generatedTokens: generating ? raw.decoded : null,
    tokensPerSecond: generating ? rateOf(raw, atMs, before) : null,
    speculative: raw.speculative,
    developer: null,
  }
  return { raw, atMs, stale, slot: withPrefill(slot, raw, prefills) }
}

function phaseOf(raw: RawSlot, stale: boolean): Slot['phase'] {
  if (!raw.processing) return 'idle'
  return stale || raw.decoded === 0 ? 'prefill' : 'generating'
}

/**
 * b10434 sets n_decoded to 0 at release; b10068 keeps the finished task's count through the whole prefill of the next
 * task (recorded: task 7 in prefill with the 60 of task 6). Counted as generated, it would be a spike of 60 tokens.
 * While a task generates, held = processed + cached + decoded - 1 (seen on both builds); a stale count during a prefill
 * breaks that. Before the first batch all numbers are stale, so the prompt count hasn't changed either.
 */
function looksStale(raw: RawSlot, before: Tracked | null): boolean {
  const decoded = raw.decoded
  if (!raw.processing || decoded === null || decoded === 0) return false
  if (before?.raw.processing && before.raw.taskId === raw.taskId) {
    return before.stale && decoded === before.raw.decoded
  }
  const held = raw.promptTokensHeld
  const prompt = sumOrNull(raw.promptProcessed, raw.promptCached)
  if (held !== null && prompt !== null && decoded > 1 && held === prompt) return true
  const last = before?.raw
  if (last === undefined || last.decoded === null || last.decoded === 0) return false
  return decoded === last.decoded || (decoded > last.decoded && raw.promptProcessed === last.promptProcessed)
}

function rateOf(raw: RawSlot, atMs: number, before: Tracked | null): number | null {
  if (before === null || before.slot.phase !== 'generating' || before.raw.taskId !== raw.taskId) return null
  if (raw.decoded === null || before.raw.decoded === null || atMs <= before.atMs) return null
  return (Math.max(0, raw.decoded - before.raw.decoded) * 1000) / (atMs - before.atMs)
}

function withPrefill(slot: Slot, raw: RawSlot, prefills: ReadonlyMap<number, Prefill>): Slot {
  const prefill = prefills.get(raw.id)
  if (slot.phase !== 'prefill' || prefill === undefined || prefill.taskId !== raw.taskId) return slot
  return { ...slot, prefillProgress: prefill.progress, promptTokens: prefill.promptTokens }
}

function viewOf(entries: readonly Tracked[]) {
  const active: ActiveTask[] = []
  for (const { raw, slot } of entries) {
    if (slot.phase !== 'generating' || raw.taskId === null || raw.decoded === null) continue
    active.push({ slotId: raw.id, taskId: raw.taskId, decoded: raw.decoded })
  }
  return {
    slots: entries.map((entry) => entry.slot),
    /** The tasks of the busy slots; null when one of them has no known number. */
    tasks: tasksOf(entries),
    prefilling: entries.some((entry) => entry.slot.phase === 'prefill'),
    active,
  }
}

function tasksOf(entries: readonly Tracked[]): readonly SlotTask[] | null {
  const tasks: SlotTask[] = []
  for (const { raw, slot } of entries) {
    if (!raw.processing) continue
    if (raw.taskId === null) return null
    tasks.push({ slotId: raw.id, taskId: raw.taskId, promptTokens: slot.promptTokens })
  }
  return tasks
}

const sumOrNull = (one: number | null, other: number | null) =>
  one === null || other === null ? null : one + other
