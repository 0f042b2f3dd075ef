import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { hasRecordings, readRecording } from '../platform/test-support/recordings.ts'
import { type LlamaLogEvent, parseLlamaLogLine } from './llama-log.ts'

const readEvents = (name: string): LlamaLogEvent[] =>
  readFileSync(new URL(`./fixtures/${name}`, import.meta.url), 'utf8')
    .split('\n')
    .map(parseLlamaLogLine)
    .filter((event) => event !== null)

describe('parseLlamaLogLine', () => {
  it.each(['b10068', 'b10434'])('reads a recorded run of %s from start to release', (build) => {
    const events = readEvents(`llama-${build}-start-log.txt`)
    expect(events).toContainEqual({ kind: 'model-loaded' })
    expect(events).toContainEqual({ kind: 'listening' })
    const task = { slotId: 1, taskId: 2 }
    expect(events).toContainEqual({ kind: 'launch', ...task })
    expect(events.find((event) => event.kind === 'prompt-timing')).toMatchObject({ tokens: 31 })
    expect(events).toContainEqual({ kind: 'release', ...task })
  })

  it('reads prefill progress and draft acceptance of b10068', () => {
    const events = readEvents('llama-b10068-six-chats-log.txt')
    expect(events).toContainEqual({
      kind: 'prefill',
      slotId: 0,
      taskId: 6,
      progress: 0.45,
    })
    expect(events).toContainEqual({ kind: 'draft', accepted: 43, generated: 45 })
    expect(events.filter((event) => event.kind === 'release')).toHaveLength(6)
  })

  it('reads sizes and the prompt total that -lv 4 adds', () => {
    const events = readEvents('llama-b10434-lv4-excerpt-log.txt')
    expect(events).toContainEqual({ kind: 'buffer', holds: 'KV', device: 'CPU', bytes: 50_331_648 })
    expect(events).toContainEqual({
      kind: 'buffer',
      holds: 'model',
      device: 'CPU_Mapped',
      bytes: 246_583_132,
    })
    expect(events).toContainEqual({ kind: 'prompt', slotId: 0, taskId: 0, promptTokens: 11_914 })
    expect(events).toContainEqual({
      kind: 'prefill',
      slotId: 0,
      taskId: 0,
      progress: 0.17,
    })
  })

  it.each([
    ['draft-vocab-mismatch-token-text.txt', /^draft model vocab type must match/],
    ['old-b10068-draft-vocab-mismatch.txt', /^draft model vocab type must match/],
    ['spec-type-without-draft.txt', /^draft-simple requires a draft context$/],
  ])('says why speculation is off in %s', (name, reason) => {
    const failed = readEvents(`llama-failures/${name}`).find((event) => event.kind === 'speculation-failed')
    expect(failed).toMatchObject({ reason: expect.stringMatching(reason) })
  })

  it.each([
    // Written after the 2025 format, numbers made up.
    [
      'slot update_slots: id  3 | task 7 | prompt processing progress, n_past = 4096, n_tokens = 2048, progress = 0.500000',
      { kind: 'prefill', slotId: 3, taskId: 7, progress: 0.5 },
    ],
    ['\u001b[32m0.0 I srv  llama_server: model loaded\u001b[0m\r', { kind: 'model-loaded' }],
    // The forms up to mid-2026 (llama.cpp#22616, #23269), numbers made up.
    [
      'prompt eval time =     100.50 ms /   300 tokens (    0.34 ms per token,  2985.07 tokens per second)',
      { kind: 'prompt-timing', tokens: 300, milliseconds: 100.5 },
    ],
    [
      '       eval time =     200.00 ms /    10 tokens (   20.00 ms per token,    50.00 tokens per second)',
      null,
    ],
    [
      'draft acceptance rate = 0.50000 (    5 accepted /    10 generated)',
      { kind: 'draft', accepted: 5, generated: 10 },
    ],
    ['      total time =     300.50 ms /   310 tokens', null],
    ['slot print_timing: id  0 | task 970 | ', null],
    ['llama_perf_context_print: prompt eval time =      56.80 ms /    14 tokens', null],
    [
      // The format string of src/llama-kv-cache-dsv4.cpp (llama_dsv4_comp_state), numbers made up.
      'llama_dsv4_comp_state:       MTL0 DSV4 csa state buffer size =    10.50 MiB',
      { kind: 'buffer', holds: 'RS', device: 'MTL0', bytes: 11_010_048 },
    ],
    [
      'llama_memory_recurrent:       MTL0 RS buffer size =    10.50 MiB',
      { kind: 'buffer', holds: 'RS', device: 'MTL0', bytes: 11_010_048 },
    ],
    [
      '0.02.0.0 W srv    load_model: speculative decoding not supported by this context',
      {
        kind: 'speculation-failed',
        reason: 'speculative decoding is not supported by this context',
      },
    ],
    ['0.11.1.1 I slot get_availabl: id  1 | task -1 | selected slot by LRU, t_last = -1', null],
    ['slot print_timing: id 1 | task 2 | prompt processing, n_tokens = 1, progress = 1.2.3', null],
    ['', null],
    [`slot ${'x'.repeat(100_000)}: id 1 | task 2 | processing task`, null],
    ['\u0000\u0001\u0002', null],
  ])('reads %j', (line, event) => {
    expect(parseLlamaLogLine(line)).toEqual(event)
  })
})

describe.skipIf(!hasRecordings)('public recordings (skipped without them)', () => {
  const eventsOf = (name: string) =>
    readRecording(`llama-server/${name}`)
      .split('\n')
      .map(parseLlamaLogLine)
      .filter((event) => event !== null)

  it('reads the Metal buffers and the start of a 2024 log', () => {
    const events = eventsOf('metal-2024-07-start-ok-m1pro.log')
    expect(events).toContainEqual({ kind: 'buffer', holds: 'KV', device: 'Metal', bytes: 4_072_669_184 })
    expect(events).toContainEqual({ kind: 'model-loaded' })
  })

  it('reads every relevant line of mid-2026', () => {
    expect(eventsOf('log-mid-2026.txt')).toEqual([
      { kind: 'prompt-timing', tokens: 2048, milliseconds: 1234.56 },
      { kind: 'draft', accepted: 171, generated: 297 },
      { kind: 'buffer', holds: 'RS', device: 'CPU', bytes: 78_244_741 },
    ])
  })
})
