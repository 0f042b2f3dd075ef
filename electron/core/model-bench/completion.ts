// Gets raw completions and their timings from a llama-server, without chat template or Router.
import { request } from 'node:http'
import { z } from 'zod'
import { parseJsonOrNull } from '../base/json-record.ts'

export interface BenchServer {
  readonly baseUrl: string
  readonly key: string
}

export interface CompletionRequest {
  readonly prompt: string
  readonly tokens: number
  readonly signal: AbortSignal
  /** The slot to use, which keeps the prompt; absent: llama-server picks one. */
  readonly slot?: number
  /** Called with the time (performance.now) of each generated piece. */
  readonly onToken?: (atMs: number) => void
}

const TimingsSchema = z.object({
  prompt_n: z.number(),
  prompt_per_second: z.number(),
  predicted_n: z.number(),
  predicted_per_second: z.number(),
  /** Absent without speculation. */
  draft_n: z.number().optional(),
  draft_n_accepted: z.number().optional(),
})
export type Timings = z.infer<typeof TimingsSchema>

const EventSchema = z.object({ content: z.string(), stop: z.boolean(), timings: TimingsSchema.optional() })

/**
 * Streams, to time tokens as they come. Uses node:http because fetch gives up after 300 s without a first byte, and a long
 * prompt may take longer. Rejects with the signal's reason or the server's error.
 */
export const complete = (server: BenchServer, ask: CompletionRequest): Promise<Timings> =>
  new Promise((resolve, reject) => {
    const { prompt, tokens, signal, slot, onToken } = ask
    const fail = (error: unknown) => reject(signal.aborted ? signal.reason : error)
    const outgoing = request(
      `${server.baseUrl}/completion`,
      {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${server.key}` },
        agent: false,
        signal,
      },
      (incoming) => {
        let rest = ''
        let timings: Timings | null = null
        incoming.setEncoding('utf8')
        incoming.on('data', (piece: string) => {
          const lines = `${rest}${piece}`.split('\n')
          rest = lines.pop() ?? ''
          for (const line of lines) {
            const event = EventSchema.safeParse(parseJsonOrNull(line.replace(/^data: /, '')))
            if (!event.success) continue
            if (!event.data.stop) onToken?.(performance.now())
            timings = event.data.timings ?? timings
          }
        })
        incoming.once('error', fail)
        incoming.once('close', () => {
          if (timings !== null && incoming.statusCode === 200) resolve(timings)
          else fail(new Error(`llama-server answered ${incoming.statusCode}: ${rest.slice(0, 200)}`))
        })
      },
    )
    outgoing.once('error', fail)
    outgoing.end(
      JSON.stringify({
        prompt,
        ...(slot === undefined ? {} : { id_slot: slot }),
        n_predict: tokens,
        stream: true,
        // Every prompt is read completely, and every answer is as long as asked for and the same each time.
        cache_prompt: false,
        ignore_eos: true,
        temperature: 0,
      }),
    )
  })
