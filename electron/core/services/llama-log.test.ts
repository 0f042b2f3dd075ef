import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type LlamaLogEvent, parseLlamaLogLine } from './llama-log.ts'

const readEvents = (name: string): LlamaLogEvent[] =>
  readFileSync(new URL(`./fixtures/${name}`, import.meta.url), 'utf8')
    .split('\n')
    .map(parseLlamaLogLine)
    .filter((event) => event !== null)

describe('parseLlamaLogLine', () => {
  it.each(['b10068', 'b10434'])('reads a recorded run of %s from start to release', (build) => {
    const events = readEvents(`llama-${build}-start-log.txt`)
    expect(events).toContainEqual({ kind: 'slots-ready', slots: 2, contextPerSlot: 4096, unifiedKv: false })
    expect(events).toContainEqual({ kind: 'model-loaded' })
    expect(events.find((event) => event.kind === 'listening')).toMatchObject({
      url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:189\d0$/),
    })
    const task = { slotId: 1, taskId: 2 }
    expect(events).toContainEqual({ kind: 'launch', ...task })
    expect(events.find((event) => event.kind === 'generation')).toMatchObject({ ...task, decoded: 100 })
    expect(events.find((event) => event.kind === 'prompt-timing')).toMatchObject({ ...task, tokens: 31 })
    expect(events.find((event) => event.kind === 'generation-timing')).toMatchObject({ ...task, tokens: 200 })
    expect(events).toContainEqual({ kind: 'release', ...task, heldTokens: 230, truncated: false })
    expect(events).toContainEqual({
      kind: 'context-exceeded',
      taskId: 209,
      requestTokens: 6414,
      limitTokens: 4096,
    })
    expect(events).toContainEqual({ kind: 'cancelled', taskId: 209 })
  })

  it('reads prefill progress and draft acceptance of b10068', () => {
    const events = readEvents('llama-b10068-six-chats-log.txt')
    expect(events).toContainEqual({
      kind: 'prefill',
      slotId: 0,
      taskId: 6,
      processedTokens: 412,
      progress: 0.45,
    })
    expect(events).toContainEqual({ kind: 'draft', slotId: 0, taskId: 6, accepted: 43, generated: 45 })
    expect(events.filter((event) => event.kind === 'release')).toHaveLength(6)
  })

  it('reads sizes and the prompt total that -lv 4 adds', () => {
    const events = readEvents('llama-b10434-lv4-excerpt-log.txt')
    expect(events).toContainEqual({ kind: 'buffer', holds: 'kv', device: 'CPU', bytes: 50_331_648 })
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
      processedTokens: 2049,
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
      { kind: 'prefill', slotId: 3, taskId: 7, processedTokens: 2048, progress: 0.5 },
    ],
    [
      '0.01.0.0 E srv    send_error: task id = 9, error: Context size has been exceeded.',
      { kind: 'context-exceeded', taskId: 9, requestTokens: null, limitTokens: null },
    ],
    ['\u001b[32m0.0 I srv  llama_server: model loaded\u001b[0m\r', { kind: 'model-loaded' }],
    ['0.11.1.1 I slot get_availabl: id  1 | task -1 | selected slot by LRU, t_last = -1', null],
    ['slot print_timing: id 1 | task 2 | prompt processing, n_tokens = 1, progress = 1.2.3', null],
    ['', null],
    [`slot ${'x'.repeat(100_000)}: id 1 | task 2 | processing task`, null],
    ['\u0000\u0001\u0002', null],
  ])('reads %j', (line, event) => {
    expect(parseLlamaLogLine(line)).toEqual(event)
  })
})

const fixtures = process.env['NEXUS_FIXTURES'] ?? '../shared/fixtures'
const metalStart = `${fixtures}/llama-server/metal-2024-07-start-ok-m1pro.log`
describe.skipIf(!existsSync(metalStart))(`public recordings (skipped where ${fixtures} is absent)`, () => {
  it('reads the Metal buffers of a 2024 log', () => {
    const events = readFileSync(metalStart, 'utf8').split('\n').map(parseLlamaLogLine)
    expect(events).toContainEqual({ kind: 'buffer', holds: 'kv', device: 'Metal', bytes: 4_072_669_184 })
  })
})
