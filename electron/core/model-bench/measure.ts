// Measures one llama-server at one batch size: prefill, generation, drafts, and a stream beside another slot's prefill.
import { firstOf } from '../base/first-of.ts'
import { askHttp } from '../base/http-ask.ts'
import { parseJsonOrNull } from '../base/json-record.ts'
import { parseSlots } from '../engine/llama-slots.ts'
import { type BenchServer, complete, type Timings } from './completion.ts'

export interface BenchSizes {
  /** How often to measure everything; medians are shown. */
  readonly repeats: number
  /** Length of the long prompt. */
  readonly promptTokens: number
  readonly generatedTokens: number
}

export type BenchReading = Readonly<Awaited<ReturnType<typeof measureOnce>>>

const vocabulary =
  'the river runs past old houses where people walk and talk about work and rain every day'.split(' ')

/** Common words, one token each in any vocabulary. No cache is used: `cache_prompt` is off. */
const text = (words: number, mark: string): string =>
  `${mark}: ${Array.from({ length: words }, (_, index) => vocabulary[(index * 7) % vocabulary.length]).join(' ')}`

/** One reading of each; null: not measurable on this server. */
export const measureOnce = async (
  server: BenchServer,
  sizes: BenchSizes,
  { slots, mark, signal }: { readonly slots: number; readonly mark: string; readonly signal: AbortSignal },
) => {
  const words = sizes.promptTokens
  const prefill = await complete(server, { prompt: text(words, `${mark}p`), tokens: 1, signal })
  const generation = await complete(server, {
    prompt: `${mark} Count from one to a thousand in words:`,
    tokens: sizes.generatedTokens,
    signal,
  })
  const beside = slots < 2 ? null : await measureBeside(server, { words, mark, signal })
  return {
    prefillTokensPerSecond: prefill.prompt_per_second,
    generationTokensPerSecond: generation.predicted_per_second,
    ...draftsOf(generation),
    /** A stream's speed while another slot prefills; null with one slot. */
    besidePrefillTokensPerSecond: beside?.tokensPerSecond ?? null,
    /** The longest pause of this stream. */
    longestPauseMs: beside?.longestPauseMs ?? null,
  }
}

export type IdleSlotsReading = Readonly<Awaited<ReturnType<typeof measureIdleSlots>>>

/** 64 slots are 90 KB. */
const maxSlotsBytes = 1_048_576

/**
 * How fast slot 0 generates while all other slots are idle: once with almost nothing in them, once with a conversation each.
 * @param heldFirst alternates with each repeat, so that a warming machine doesn't count as a cost
 */
export const measureIdleSlots = async (
  server: BenchServer,
  sizes: BenchSizes,
  options: {
    readonly slots: number
    readonly mark: string
    readonly heldFirst: boolean
    readonly signal: AbortSignal
  },
) => {
  const { slots, mark, heldFirst, signal } = options
  const generate = async (words: number): Promise<number> => {
    for (let slot = 1; slot < slots; slot += 1)
      await complete(server, { prompt: text(words, `${mark}s${slot}`), tokens: 1, slot, signal })
    const prompt = `${mark} Count from one to a thousand in words:`
    const timings = await complete(server, { prompt, tokens: sizes.generatedTokens, slot: 0, signal })
    return timings.predicted_per_second
  }
  const hold = async () => {
    const tokensPerSecond = await generate(sizes.promptTokens)
    return { tokensPerSecond, tokens: await countHeld(server, signal) }
  }
  const first = heldFirst ? await hold() : null
  const emptyTokensPerSecond = await generate(0)
  const held = first ?? (await hold())
  return {
    emptyTokensPerSecond,
    heldTokensPerSecond: held.tokensPerSecond,
    /** The tokens in all other slots during the second measurement; null when unknown. */
    heldTokens: held.tokens,
  }
}

/** Tokens in all slots but the first. */
const countHeld = async (server: BenchServer, signal: AbortSignal): Promise<number | null> => {
  const headers = { authorization: `Bearer ${server.key}` }
  const { text: answer } = await askHttp(`${server.baseUrl}/slots`, {
    headers,
    signal,
    maxBytes: maxSlotsBytes,
  })
  const slots = parseSlots(parseJsonOrNull(answer ?? ''))
  if (slots === null) return null
  const held = slots.flatMap(({ id, promptTokensHeld }) => (id === 0 ? [] : [promptTokensHeld]))
  return held.reduce<number | null>(
    (sum, tokens) => (sum === null || tokens === null ? null : sum + tokens),
    0,
  )
}

const draftsOf = ({ draft_n, draft_n_accepted }: Timings) => ({
  drafted: draft_n ?? null,
  accepted: draft_n_accepted ?? null,
})

/** Enough for any prefill; the stream is ended when the prefill ends. */
const endlessTokens = 100_000
const tokensBefore = 8

const measureBeside = async (
  server: BenchServer,
  { words, mark, signal }: { readonly words: number; readonly mark: string; readonly signal: AbortSignal },
) => {
  const over = new AbortController()
  const times: number[] = []
  let underWay = () => {}
  const flows = new Promise<void>((resolve) => {
    underWay = resolve
  })
  const stream = complete(server, {
    prompt: `${mark} Tell a story without an end:`,
    tokens: endlessTokens,
    signal: AbortSignal.any([signal, over.signal]),
    onToken: (atMs) => {
      times.push(atMs)
      if (times.length === tokensBefore) underWay()
    },
  })
  // We ended it, or its slot is full: the tokens until then were timed.
  const streamEnded = stream.then(
    () => {},
    (error: unknown) => {
      if (!over.signal.aborted) throw error
    },
  )
  await firstOf([flows, streamEnded])
  const began = performance.now()
  await complete(server, { prompt: text(words, `${mark}q`), tokens: 1, signal })
  const ended = performance.now()
  over.abort()
  await streamEnded
  return judgeStream(times, began, ended)
}

/** @param times, began, ended in ms of the same clock */
export const judgeStream = (times: readonly number[], began: number, ended: number) => {
  const inside = times.filter((at) => at > began && at <= ended)
  const edges = [began, ...inside, ended]
  const pauses = edges.slice(1).map((at, index) => at - (edges[index] ?? at))
  return {
    tokensPerSecond: (inside.length * 1000) / (ended - began),
    longestPauseMs: Math.round(Math.max(...pauses)),
  }
}
