// Live state of one llama-server, from /slots, /metrics and its log.
import type { Queue, Slot, Throughput } from '../../contract/snapshot.ts'
import { askHttp } from '../base/http-ask.ts'
import { parseJsonOrNull } from '../base/json-record.ts'
import { parseMetrics, parseSlots } from './llama-answers.ts'
import { parseLlamaLogLine } from './llama-log.ts'
import { createSlotTracker, type SlotsView, type SlotTasks } from './llama-slot-tracker.ts'
import { createThroughputTracker } from './llama-throughput.ts'

export interface EngineReading {
  readonly slots: Slot[] | null
  /** Absent: a busy slot's task is unknown. */
  readonly tasks?: SlotTasks
  readonly queue: Queue | null
  readonly throughput: Throughput | null
}

export type LlamaWatch = ReturnType<typeof createLlamaWatch>

/** 64 slots of a 2026 build are 90 KB; a longer answer is invalid. */
const maxAnswerBytes = 8_388_608

export const createLlamaWatch = (baseUrl: string, apiKey: string) => {
  const slotTracker = createSlotTracker()
  const throughput = createThroughputTracker()

  const get = async (path: string, signal: AbortSignal): Promise<string | null> => {
    try {
      const headers = { authorization: `Bearer ${apiKey}` }
      const answer = await askHttp(`${baseUrl}${path}`, { headers, signal, maxBytes: maxAnswerBytes })
      return answer.ok ? answer.text : null
    } catch {
      return null
    }
  }

  let said: EngineReading | null = null
  let askedAt = 0
  const toldSlots = ({ slots, tasks }: SlotsView): Pick<EngineReading, 'slots' | 'tasks'> => ({
    slots: [...slots],
    ...(tasks === null ? {} : { tasks: { askedAt, tasks } }),
  })

  const readSlots = async (signal: AbortSignal) => {
    const startedAt = Date.now()
    const text = await get('/slots', signal)
    const parsed = text === null ? null : parseSlots(parseJsonOrNull(text))
    return parsed === null ? null : { raw: parsed, atMs: performance.now(), askedAt: startedAt }
  }

  return {
    /** Asks the server, and waits until `signal` aborts. Unanswered parts are null. */
    read: async (signal: AbortSignal): Promise<EngineReading> => {
      // In this order: see ThroughputReading.active.
      const metricsText = await get('/metrics', signal)
      const metrics = metricsText === null ? null : parseMetrics(metricsText)
      const metricsAtMs = performance.now()
      const slots = await readSlots(signal)
      askedAt = slots?.askedAt ?? askedAt
      const view = slots === null ? null : slotTracker.applySlots(slots.raw, slots.atMs)
      const flow = throughput.observe({
        atMs: slots?.atMs ?? performance.now(),
        metrics,
        metricsAtMs,
        prefilling: view?.prefilling ?? false,
        active: view?.active ?? null,
      })
      const processing = metrics?.requestsProcessing ?? null
      const deferred = metrics?.requestsDeferred ?? null
      said = {
        ...(view === null ? { slots: null } : toldSlots(view)),
        queue: processing === null || deferred === null ? null : { processing, deferred },
        // If the server answered nothing, the totals would be those of its last answer.
        throughput: metrics === null && view === null ? null : flow,
      }
      return said
    },
    /** The last answer, updated from the log since; null before the first. */
    current: () => said,
    /** One line of the server's log. */
    hear: (line: string): void => {
      const event = parseLlamaLogLine(line)
      if (event === null) return
      if (event.kind === 'draft') throughput.addDraftResult(event)
      slotTracker.applyLog(event)
      // On b10068 /slots blocks during a prefill while the log goes on.
      if (said !== null && said.slots !== null) said = { ...said, ...toldSlots(slotTracker.current()) }
    },
    /** Whether any slot is processing; null when unknown. */
    readBusy: async (signal: AbortSignal): Promise<boolean | null> => {
      const slots = await readSlots(signal)
      return slots === null ? null : slots.raw.some((slot) => slot.processing)
    },
    /** For a new server process, whose counters start at zero. */
    reset: (): void => {
      said = null
      slotTracker.reset()
      throughput.reset()
    },
  }
}
