import { describe, expect, it } from 'vitest'
import { SlotSchema } from '../../contract/snapshot.ts'
import type { RawSlot } from './llama-answers.ts'
import { createSlotTracker } from './llama-slot-tracker.ts'
import { readRecording } from './test-support/llama-recording.ts'

const idle: RawSlot = {
  id: 0,
  contextLimit: 8192,
  processing: false,
  taskId: null,
  promptTokensHeld: null,
  promptProcessed: null,
  promptCached: null,
  decoded: null,
  speculative: true,
}

/** A slot as llama-server shows it, numbers made up. */
const task = (taskId: number, held: number, processed: number, cached: number, decoded: number): RawSlot => ({
  ...idle,
  processing: true,
  taskId,
  promptTokensHeld: held,
  promptProcessed: processed,
  promptCached: cached,
  decoded,
})

describe('createSlotTracker', () => {
  it('follows one request: prefill, first sample, rate, release', () => {
    const tracker = createSlotTracker()
    const at = (raw: RawSlot, ms: number) => tracker.applySlots([raw], ms).slots[0]
    expect(at(idle, 0)).toMatchObject({ phase: 'idle', contextTokens: null, tokensPerSecond: null })
    expect(at(task(1, 2048, 0, 1, 0), 1000)).toMatchObject({
      phase: 'prefill',
      promptTokens: null,
      generatedTokens: null,
      tokensPerSecond: null,
    })
    expect(at(task(1, 3010, 3000, 1, 10), 2000)).toMatchObject({
      phase: 'generating',
      promptTokens: 3001,
      generatedTokens: 10,
      tokensPerSecond: null,
    })
    expect(at(task(1, 3040, 3000, 1, 40), 3500)).toMatchObject({ tokensPerSecond: 20, contextTokens: 3040 })
    expect(at({ ...task(1, 3050, 0, 0, 0), processing: false }, 4000)).toEqual({
      id: 0,
      phase: 'idle',
      contextTokens: 3050,
      contextLimit: 8192,
      promptTokens: null,
      promptProcessed: null,
      prefillProgress: null,
      generatedTokens: null,
      tokensPerSecond: null,
      speculative: true,
      developer: null,
    })
  })

  it("does not count the finished task's tokens, which b10068 keeps, for the next task", () => {
    const tracker = createSlotTracker()
    const at = (raw: RawSlot, ms: number) => tracker.applySlots([raw], ms)
    at(task(6, 978, 924, 0, 55), 0)
    // As recorded: task 7 has begun, every number is still task 6's, which had gone on to 60.
    expect(at(task(7, 983, 924, 0, 60), 1000)).toMatchObject({
      active: [],
      prefilling: true,
      slots: [{ phase: 'prefill', promptProcessed: null, generatedTokens: null }],
    })
    expect(at(task(7, 916, 915, 1, 60), 2000)).toMatchObject({
      active: [],
      slots: [{ phase: 'prefill', promptProcessed: 915 }],
    })
    expect(at(task(7, 924, 923, 1, 1), 3000)).toMatchObject({
      active: [{ slotId: 0, taskId: 7, decoded: 1 }],
      prefilling: false,
      slots: [{ phase: 'generating', promptTokens: 924, tokensPerSecond: null }],
    })
  })

  it('recognises an old count even if it starts in the middle of a prefill', () => {
    const view = createSlotTracker().applySlots([task(7, 916, 915, 1, 60)], 0)
    expect(view.slots[0]?.phase).toBe('prefill')
  })

  it('recognises a second short answer of the same size one reading later', () => {
    const tracker = createSlotTracker()
    tracker.applySlots([task(1, 31, 1, 29, 2)], 0)
    tracker.applySlots([task(2, 35, 1, 29, 6)], 1000)
    expect(tracker.applySlots([task(2, 39, 1, 29, 10)], 2000).slots[0]).toMatchObject({
      phase: 'generating',
      generatedTokens: 10,
    })
  })

  it('shows progress only from the log, only for this task, also between readings', () => {
    const tracker = createSlotTracker()
    const prefill = { kind: 'prefill', slotId: 0 } as const
    tracker.applyLog({ kind: 'launch', slotId: 0, taskId: 4 })
    tracker.applySlots([task(4, 412, 412, 0, 0)], 0)
    expect(tracker.current().slots[0]?.prefillProgress).toBeNull()
    tracker.applyLog({ ...prefill, taskId: 4, progress: 0.45 })
    expect(tracker.current().slots[0]?.prefillProgress).toBe(0.45)
    tracker.applyLog({ kind: 'prompt', slotId: 0, taskId: 4, promptTokens: 924 })
    expect(tracker.current().slots[0]).toMatchObject({ prefillProgress: 0.45, promptTokens: 924 })
    expect(tracker.applySlots([task(5, 412, 412, 0, 0)], 1000).slots[0]?.prefillProgress).toBeNull()
    tracker.applyLog({ ...prefill, taskId: 5, progress: 0.2 })
    expect(tracker.applySlots([task(5, 424, 420, 0, 5)], 2000).slots[0]?.prefillProgress).toBeNull()
  })

  it.each([
    ['llama-b10068-six-chats.jsonl', [924]],
    ['llama-b10434-six-chats.jsonl', [196, 270, 327, 380, 451, 523]],
    ['llama-b10434-prefill-10k.jsonl', [31, 8719]],
  ])('replays %s into slots of the contract, with the true prompt sizes', (name, promptSizes) => {
    const tracker = createSlotTracker()
    const seen = new Set<number>()
    for (const reading of readRecording(name)) {
      for (const slot of tracker.applySlots(reading.slots, reading.atMs).slots) {
        SlotSchema.parse(slot)
        if (slot.promptTokens !== null) seen.add(slot.promptTokens)
        // The machine makes at most 30 tokens/s for one stream; a count of another task would show as hundreds.
        if (slot.tokensPerSecond !== null) expect(slot.tokensPerSecond).toBeLessThan(40)
      }
    }
    expect([...seen].sort((a, b) => a - b)).toEqual(promptSizes)
  })
})
