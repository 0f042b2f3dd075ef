// What idle slots cost, against a stand-in that generates slower the more its slots hold.
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { BenchServer } from './completion.ts'
import { measureIdleSlots } from './measure.ts'

const AskedSchema = z.object({
  prompt: z.string(),
  n_predict: z.number(),
  id_slot: z.number(),
  cache_prompt: z.literal(false),
})

let standIn: Server
let server: BenchServer
/** Tokens, a word each. */
let held: number[]
let asked: (readonly [slot: number, words: number, answer: number])[]
/** As with `--cache-idle-slots`: every request clears the other slots (llama-server's log: "idle slots will be saved to prompt cache and cleared"). */
let clearsIdle: boolean

const readBody = async (incoming: IncomingMessage): Promise<unknown> => {
  let text = ''
  for await (const piece of incoming) text += String(piece)
  return JSON.parse(text)
}

beforeEach(async () => {
  held = [0, 0, 0]
  asked = []
  clearsIdle = false
  standIn = createServer(async (incoming, outgoing) => {
    if (incoming.url === '/slots') {
      // The fields that are read here, named as in ../services/fixtures/llama-b10434-slots-after-rejected-request.json.
      const slots = held.map((tokens, id) => ({
        id,
        n_ctx: 4096,
        is_processing: false,
        n_prompt_tokens: tokens,
      }))
      outgoing.end(JSON.stringify(slots))
      return
    }
    const ask = AskedSchema.parse(await readBody(incoming))
    const words = ask.prompt.split(' ').length
    if (clearsIdle) held = held.map(() => 0)
    held[ask.id_slot] = words + ask.n_predict - 1
    asked.push([ask.id_slot, words, ask.n_predict])
    const others = held.reduce((sum, tokens, id) => sum + (id === 0 ? 0 : tokens), 0)
    const timings = {
      prompt_n: words,
      prompt_per_second: 100,
      predicted_n: ask.n_predict,
      predicted_per_second: 40_000 / (1_000 + others),
    }
    // As llama-server streams /completion (its README, "stream"): the last event has the timings.
    outgoing.end(`data: ${JSON.stringify({ content: '', stop: true, timings })}\n\n`)
  })
  await new Promise<void>((resolve) => standIn.listen(0, '127.0.0.1', () => resolve()))
  const address = standIn.address()
  if (address === null || typeof address === 'string') throw new Error('it listens on a port')
  server = { baseUrl: `http://127.0.0.1:${address.port}`, key: 'none' }
})
afterEach(() => new Promise((resolve) => standIn.close(resolve)))

const sizes = { repeats: 1, promptTokens: 300, generatedTokens: 16 }
const measure = (heldFirst: boolean) =>
  measureIdleSlots(server, sizes, { slots: 3, mark: 'm', heldFirst, signal: AbortSignal.timeout(10_000) })

describe('measureIdleSlots', () => {
  it.each([false, true])(
    'reads one slot beside empty ones and beside held ones, held first: %s',
    async (heldFirst) => {
      const reading = await measure(heldFirst)
      expect(reading.emptyTokensPerSecond).toBeCloseTo(40, 0)
      expect(reading.heldTokensPerSecond).toBeCloseTo(25, 0)
      // "ms1: " and 300 words in each of the two.
      expect(reading.heldTokens).toBe(602)
      const longs = asked.flatMap(([slot, words], index) => (words > 300 ? [[slot, index]] : []))
      expect(longs).toEqual(
        heldFirst
          ? [
              [1, 0],
              [2, 1],
            ]
          : [
              [1, 3],
              [2, 4],
            ],
      )
      expect(asked.filter(([slot]) => slot === 0).map(([, , answer]) => answer)).toEqual([16, 16])
    },
  )

  it('tells when the slots hold nothing any more', async () => {
    clearsIdle = true
    expect((await measure(false)).heldTokens).toBe(0)
  })
})
