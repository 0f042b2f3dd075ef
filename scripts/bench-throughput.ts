// Whether the shown throughput is right: compares snapshots with the counts of the Router's streaming clients.
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import type { Snapshot } from '../electron/contract/snapshot.ts'
import { askRouter, readServerSentEvents } from './ask-servers.ts'
import { type Comparison, type Sample, sumOf } from './bench-report.ts'
import type { BenchStack } from './bench-stack.ts'
import { undisturbed } from './bench-undisturbed.ts'

const windowMs = 20_000
/** Lead time, so that streams run and the core has seen them before the window opens. */
const leadMs = 4_000
/** As many as the demo profile's slots, and short enough that some end and begin within the window. */
const clients = 4
const tokensPerMessage = 120

interface Arrival {
  readonly atMs: number
  /** The message's tokens by usage / its deltas. A delta is a token, except for characters made of several tokens. */
  readonly tokensPerDelta: number
}

interface Shown {
  readonly atMs: number
  readonly tokensPerSecond: number
  readonly total: number
}

export const benchThroughput = async (stack: BenchStack, runs: number): Promise<readonly Comparison[]> => {
  await stack.up()
  const windows: Awaited<ReturnType<typeof measureWindow>>[] = []
  for (let run = 0; run < runs; run += 1) windows.push(await undisturbed(stack, () => measureWindow(stack)))
  await stack.down()
  const compare = (
    what: string,
    unit: Comparison['unit'],
    side: keyof (typeof windows)[number],
    against = 'counted by the clients',
  ): Comparison => ({
    what,
    unit,
    samples: windows.map((window) => window[side]),
    against,
    goal: { minRatio: 0.98, maxRatio: 1.02 },
  })
  return [
    compare('throughput shown over 20 s', 'tokens/s', 'rate'),
    compare('tokens added to the total shown over 20 s', 'tokens', 'total'),
    compare('tokens added from idle to idle', 'tokens', 'whole', "by the clients' usage"),
  ]
}

/** One window, from idle to idle: shown numbers against the clients' counts. */
const measureWindow = async (stack: BenchStack) => {
  const isIdle = ({ queue, throughput, overall }: Snapshot) =>
    overall === 'ready' && queue?.processing === 0 && throughput?.generationTokensPerSecond === 0
  const idleTotal = async () => (await stack.until(isIdle)).throughput?.tokensGeneratedTotal ?? 0
  const totalBefore = await idleTotal()
  const shown: Shown[] = []
  return stack.withCore(async (core) => {
    await core.watch((snapshot) => addReading(shown, snapshot)).begun
    const stop = new AbortController()
    const streams = Array.from({ length: clients }, (_, index) => streamUntil(stack, index, stop.signal))
    await sleep(leadMs + windowMs + 2_000, undefined, { signal: stack.signal })
    stop.abort()
    const results = await Promise.all(streams)
    const measured = (await idleTotal()) - totalBefore
    return {
      ...judgeWindow(
        shown,
        results.flatMap(({ arrivals }) => arrivals),
      ),
      whole: { measured, reference: sumOf(results.map(({ outputTokens }) => outputTokens)) },
    }
  })
}

/** A change of phase repeats the last reading; only a new reading has its own rate. */
const addReading = (shown: Shown[], { takenAt, throughput }: Snapshot): void => {
  if (throughput === null || throughput.generationTokensPerSecond === null) return
  const reading = {
    atMs: takenAt,
    tokensPerSecond: throughput.generationTokensPerSecond,
    total: throughput.tokensGeneratedTotal,
  }
  const last = shown.at(-1)
  if (last?.total !== reading.total || last.tokensPerSecond !== reading.tokensPerSecond) shown.push(reading)
}

/** Each shown rate covers the time since the previous reading. */
const judgeWindow = (
  shown: readonly Shown[],
  arrivals: readonly Arrival[],
): { readonly rate: Sample; readonly total: Sample } => {
  const firstAtMs = Math.min(...arrivals.map(({ atMs }) => atMs))
  const start = shown.findIndex(({ atMs }) => atMs >= firstAtMs + leadMs)
  const begin = shown[start]
  const end = shown.findLastIndex(({ atMs }) => begin !== undefined && atMs <= begin.atMs + windowMs + 500)
  const last = shown[end]
  if (begin === undefined || last === undefined || last.atMs - begin.atMs < windowMs - 1_500)
    throw new Error(`the core showed too little in ${windowMs / 1000} s: ${shown.length} readings`)
  const seconds = (last.atMs - begin.atMs) / 1000
  const integral = shown.slice(start + 1, end + 1).reduce((sum, reading, index) => {
    const before = shown[start + index]
    return sum + (reading.tokensPerSecond * (reading.atMs - (before?.atMs ?? reading.atMs))) / 1000
  }, 0)
  const inside = arrivals.filter(({ atMs }) => atMs > begin.atMs && atMs <= last.atMs)
  const counted = sumOf(inside.map(({ tokensPerDelta }) => tokensPerDelta))
  return {
    rate: { measured: integral / seconds, reference: counted / seconds },
    total: { measured: last.total - begin.total, reference: counted },
  }
}

/** Sends one message after the other until `stop`, and reads the last one to its end, so that every token counts. */
const streamUntil = async (
  stack: BenchStack,
  index: number,
  stop: AbortSignal,
): Promise<{ readonly arrivals: readonly Arrival[]; readonly outputTokens: number }> => {
  const arrivals: Arrival[] = []
  let outputTokens = 0
  for (let count = 0; !stop.aborted; count += 1) {
    const story = `Story ${index}.${count}: count from one to a thousand in words.`
    const message = await streamMessage(stack, story)
    const tokensPerDelta = message.outputTokens / message.deltaTimesMs.length
    arrivals.push(...message.deltaTimesMs.map((atMs) => ({ atMs, tokensPerDelta })))
    outputTokens += message.outputTokens
  }
  return { arrivals, outputTokens }
}

/** The two events of an Anthropic stream used here: text, and the token usage at the end. */
const EventSchema = z.object({
  type: z.string(),
  usage: z.object({ output_tokens: z.number() }).optional(),
})

const streamMessage = async (stack: BenchStack, content: string) => {
  const response = await askRouter(stack, '/v1/messages', {
    model: 'claude-sonnet-4-5',
    max_tokens: tokensPerMessage,
    stream: true,
    messages: [{ role: 'user', content }],
  })
  const deltaTimesMs: number[] = []
  let outputTokens: number | null = null
  for await (const text of readServerSentEvents(response)) {
    const event = EventSchema.parse(JSON.parse(text))
    if (event.type === 'content_block_delta') deltaTimesMs.push(Date.now())
    if (event.type === 'message_delta') outputTokens = event.usage?.output_tokens ?? null
  }
  if (outputTokens === null) throw new Error('a stream of the Router ended without its usage')
  return { deltaTimesMs, outputTokens }
}
