// The watch against a stand-in for llama-server that misbehaves: null instead of a guess, never a throw, and well again.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Behaviour, type StandIn, startStandIn } from '../supervise/test-support/stand-in.ts'
import { probeLlamaServer } from './llama-service.ts'
import { createLlamaWatch, type LlamaWatch } from './llama-watch.ts'

let standIn: StandIn
let watch: LlamaWatch
beforeEach(async () => {
  standIn = await startStandIn()
  watch = createLlamaWatch(standIn.url, 'sk-engine')
})
afterEach(() => standIn.end())

const patience = () => AbortSignal.timeout(10_000)
const read = () => watch.read(patience())
const readBriefly = () => watch.read(AbortSignal.timeout(150))

const busySlot = (decoded: number, taskId = 7) => ({
  id: 0,
  n_ctx: 4096,
  speculative: false,
  is_processing: true,
  id_task: taskId,
  n_prompt_tokens: 20 + decoded - 1,
  n_prompt_tokens_processed: 20,
  n_prompt_tokens_cache: 0,
  next_token: [{ n_decoded: decoded }],
})
const idleSlot = (id: number) => ({ id, n_ctx: 4096, speculative: false, is_processing: false })

const tellBusy = (decoded: number, predicted: number | string) =>
  standIn.tell({
    slots: [busySlot(decoded), idleSlot(1)],
    metrics: {
      prompt_tokens_total: 40,
      tokens_predicted_total: predicted,
      requests_processing: 1,
      requests_deferred: 2,
    },
  })

describe('a well server', () => {
  it('is read whole: slots, queue, throughput', async () => {
    await tellBusy(10, 100)
    await read()
    await tellBusy(40, 100)
    const reading = await read()
    expect(reading).toMatchObject({
      slots: [
        { id: 0, phase: 'generating', contextLimit: 4096, promptTokens: 20, generatedTokens: 40 },
        { id: 1, phase: 'idle', tokensPerSecond: null },
      ],
      queue: { processing: 1, deferred: 2 },
      throughput: { tokensGeneratedTotal: 140 },
    })
    expect(reading.slots?.[0]?.tokensPerSecond).toBeGreaterThan(0)
    expect(reading.throughput?.generationTokensPerSecond).toBeGreaterThan(0)
  })

  it('is asked with the key, and reads nothing with a wrong one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'nexus-watch-'))
    writeFileSync(join(folder, 'engine.key'), 'sk-engine\n')
    const guarded = await startStandIn('--api-key-file', join(folder, 'engine.key'))
    try {
      const readWith = (key: string) => createLlamaWatch(guarded.url, key).read(patience())
      expect((await readWith('sk-engine')).slots).toHaveLength(2)
      expect(await readWith('wrong')).toEqual({ slots: null, queue: null, throughput: null })
    } finally {
      await guarded.end()
      rmSync(folder, { recursive: true })
    }
  })

  it('has counters in scientific notation', async () => {
    await tellBusy(1, '2.16578e+06')
    expect((await read()).throughput?.tokensGeneratedTotal).toBe(2_165_781)
  })

  it('starts over with a new process: no rate from two counters, none below zero', async () => {
    await tellBusy(10, 5_000)
    await read()
    await standIn.tell({
      slots: [idleSlot(0)],
      metrics: { tokens_predicted_total: 3, prompt_tokens_total: 1 },
    })
    expect((await read()).throughput).toEqual({
      generationTokensPerSecond: null,
      promptTokensPerSecond: null,
      draftAcceptance: null,
      tokensGeneratedTotal: 3,
    })
    await standIn.tell({ metrics: { tokens_predicted_total: 4 } })
    const after = await read()
    expect(after.throughput?.tokensGeneratedTotal).toBe(4)
    expect(after.throughput?.generationTokensPerSecond).toBeGreaterThanOrEqual(0)
  })

  it('forgets everything at reset, as after a restart', async () => {
    await tellBusy(10, 5_000)
    await read()
    watch.reset()
    expect(watch.current()).toBeNull()
    expect((await read()).throughput?.generationTokensPerSecond).toBeNull()
  })

  it('says whether any slot is busy', async () => {
    expect(await watch.readBusy(patience())).toBe(false)
    await tellBusy(1, 0)
    expect(await watch.readBusy(patience())).toBe(true)
  })
})

const wrongTypes = JSON.stringify([{ id: 'zero', n_ctx: 4096, is_processing: true }])
const manySlots = JSON.stringify(Array.from({ length: 5_000 }, (_, id) => idleSlot(id)))
const bad: readonly (readonly [string, Behaviour])[] = [
  ['garbage', { behaviour: 'text', text: '\u0000\u0007{{{ not an answer' }],
  ['nothing', { behaviour: 'text', text: '' }],
  ['an HTML page', { behaviour: 'text', text: '<html>It works!</html>' }],
  ['truncated JSON', { behaviour: 'text', text: '[{"id":0,"n_ctx":4096,"is_pro' }],
  ['null', { behaviour: 'text', text: 'null' }],
  ['wrong types', { behaviour: 'text', text: wrongTypes }],
  [
    'a number beyond all bounds',
    { behaviour: 'text', text: '[{"id":1e999,"n_ctx":1,"is_processing":true}]' },
  ],
  ['5,000 slots', { behaviour: 'text', text: manySlots }],
  ['503 while loading', { behaviour: 'status', status: 503, text: 'Loading model' }],
  ['501, as started without it', { behaviour: 'status', status: 501, text: 'not supported' }],
  ['401', { behaviour: 'status', status: 401 }],
  ['500', { behaviour: 'status', status: 500 }],
  ['a reset connection', { behaviour: 'reset' }],
  ['half an answer and the end', { behaviour: 'half-then-cut' }],
]

describe('/slots that answers', () => {
  it.each(bad)('%s is null; the rest is there, and so are the slots the next time', async (_, behaviour) => {
    await tellBusy(10, 100)
    await read()
    await standIn.behave('/slots', { ...behaviour, times: 1 })
    const reading = await read()
    expect(reading.slots).toBeNull()
    expect(reading.queue).toEqual({ processing: 1, deferred: 2 })
    expect(reading.throughput?.generationTokensPerSecond ?? null).toBeNull()
    await tellBusy(11, 100)
    expect((await read()).slots).toMatchObject([{ generatedTokens: 11 }, { phase: 'idle' }])
  })

  it('nothing sure is busy or idle', async () => {
    await standIn.behave('/slots', { behaviour: 'text', text: 'garbage' })
    expect(await watch.readBusy(patience())).toBeNull()
  })
})

describe('/metrics that answers', () => {
  const badMetrics = bad.filter(([name]) => !['5,000 slots'].includes(name))
  it.each(badMetrics)('%s leaves the queue unknown; the slots are there', async (_, behaviour) => {
    await tellBusy(10, 100)
    await read()
    await standIn.behave('/metrics', { ...behaviour, times: 1 })
    const reading = await read()
    expect(reading.queue).toBeNull()
    expect(reading.slots).toHaveLength(2)
    expect(reading.throughput?.promptTokensPerSecond ?? null).toBeNull()
    expect((await read()).queue).toEqual({ processing: 1, deferred: 2 })
  })

  it.each([['NaN'], ['-5'], ['+Inf'], ['twelve']])(
    '%s for a number leaves that number out',
    async (value) => {
      await standIn.tell({ metrics: { tokens_predicted_total: value, requests_deferred: value } })
      const reading = await read()
      expect(reading.queue).toBeNull()
      expect(reading.throughput).toBeNull()
    },
  )
})

describe('a server that says nothing', () => {
  const nothing = { slots: null, queue: null, throughput: null }

  it.each(['hang', 'half-then-hang'] as const)(
    '(%s) is given up in time, and shows no old totals',
    async (how) => {
      await tellBusy(10, 100)
      expect((await read()).throughput?.tokensGeneratedTotal).toBe(110)
      await standIn.behave('/slots', { behaviour: how })
      await standIn.behave('/metrics', { behaviour: how })
      const askedAt = performance.now()
      expect(await readBriefly()).toEqual(nothing)
      expect(performance.now() - askedAt).toBeLessThan(5_000)
    },
  )

  it('because it dies in mid-answer', async () => {
    await standIn.behave('/slots', { behaviour: 'half-then-die' })
    expect(await read()).toMatchObject({ slots: null, queue: { processing: 0 } })
    expect(await read()).toEqual(nothing)
  })

  it('because it is stopped (SIGSTOP), and answers again when it goes on', async () => {
    await read()
    process.kill(standIn.pid, 'SIGSTOP')
    try {
      expect(await readBriefly()).toEqual(nothing)
      expect(await probeLlamaServer(standIn.url, AbortSignal.timeout(150))).toEqual({
        state: 'unreachable',
        detail: 'no answer: no answer in time',
      })
    } finally {
      process.kill(standIn.pid, 'SIGCONT')
    }
    expect((await read()).slots).toHaveLength(2)
    expect(await probeLlamaServer(standIn.url, patience())).toEqual({ state: 'ready' })
  })
})

describe('an answer of 100 MB', () => {
  it.each(['/slots', '/metrics'])('from %s is cut off long before its end', async (path) => {
    await standIn.behave(path, { behaviour: 'flood', bytes: 100_000_000, times: 1 })
    const reading = await read()
    expect(path === '/slots' ? reading.slots : reading.queue).toBeNull()
    // What the watch takes (8 MiB) and what the system's buffers hold meanwhile.
    expect((await standIn.asked(path)).bytesSent).toBeLessThan(30_000_000)
    const after = await read()
    expect(after.slots).toHaveLength(2)
    expect(after.queue).toEqual({ processing: 0, deferred: 0 })
  })
})
