// Makes a model that is too small to use tools call them in a scripted order: a proxy between Claude Code and the Router,
// only for a try on the demo stack. Its calls take the whole way of a real one: the chat template, llama-server's grammar
// and parser, LiteLLM, the client, and back with the tool's result.
import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { z } from 'zod'
import { parseJsonOrNull } from '../base/json-record.ts'

export interface ForcedCall {
  readonly name: string
  readonly input: Readonly<Record<string, string>>
}

const ToolSchema = z.looseObject({ name: z.string() })
const BodySchema = z.looseObject({
  tools: z.array(ToolSchema).nonempty(),
  messages: z.array(z.looseObject({ role: z.string(), content: z.unknown() })),
})

/** How our chat template opens a call (resources/templates/r1-distill-llama.jinja). */
const callOpening = '<tool_call>'

/**
 * The request with the script's next call forced, counted by the calls in the conversation; after the last one, calls are
 * forbidden. null: it offers no tools (as when Claude Code asks for a title), or is no request of the Messages API.
 *
 * With `tool_choice: any` llama-server's grammar requires a call but allows any text before it, and a small model talks until
 * its answer is full (seen, b10068). So the answer starts with the call's opening as a prefill, and from there the grammar
 * allows one tool and one value for each argument. The next opening ends the answer: the grammar would allow more calls, and
 * the model would make them.
 */
export const forceNextCall = (text: string, calls: readonly ForcedCall[]): string | null => {
  const body = BodySchema.safeParse(parseJsonOrNull(text))
  if (!body.success) return null
  const { messages, tools } = body.data
  const made = messages
    .filter(({ role }) => role === 'assistant')
    .reduce((sum, { content }) => sum + countCalls(content), 0)
  const call = calls[made]
  if (call === undefined) return JSON.stringify({ ...body.data, tool_choice: { type: 'none' } })
  const tool = tools.find(({ name }) => name === call.name)
  if (tool === undefined) return null
  return JSON.stringify({
    ...body.data,
    tools: [{ ...tool, input_schema: schemaOf(call) }],
    tool_choice: { type: 'any' },
    messages: [...messages, { role: 'assistant', content: callOpening }],
    stop_sequences: [callOpening],
  })
}

/** One message may hold several calls: made by the model in one answer, or joined by the client. */
const countCalls = (content: unknown): number =>
  z
    .array(z.unknown())
    .catch([])
    .parse(content)
    .filter((block) => z.looseObject({ type: z.literal('tool_use') }).safeParse(block).success).length

const schemaOf = ({ input }: ForcedCall): object => ({
  type: 'object',
  properties: Object.fromEntries(Object.entries(input).map(([name, value]) => [name, { const: value }])),
  required: Object.keys(input),
  additionalProperties: false,
})

/** Listens on a port chosen by the system, on this machine only. Bodies may be as long as the Router allows. */
export const startForcedCalls = async (routerUrl: string, calls: readonly ForcedCall[]) => {
  const server = createServer((incoming, answer) => {
    forward(routerUrl, calls, incoming, answer).catch(() => answer.destroy())
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string')
    throw new Error('could not read the port for forced calls')
  return {
    /** Use instead of the Router's address. */
    url: `http://127.0.0.1:${address.port}`,
    end: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const forward = async (
  routerUrl: string,
  calls: readonly ForcedCall[],
  incoming: IncomingMessage,
  answer: ServerResponse,
): Promise<void> => {
  const pieces: Buffer[] = []
  for await (const piece of incoming) pieces.push(piece)
  const body = Buffer.concat(pieces)
  const changed = forceNextCall(body.toString('utf8'), calls)
  // The body's length may have changed; `host` and `connection` apply to one connection only.
  const { 'content-length': _, host: __, connection: ___, ...headers } = incoming.headers
  const outgoing = request(new URL(incoming.url ?? '/', routerUrl), {
    method: incoming.method ?? 'GET',
    headers,
    agent: false,
  })
  outgoing.once('response', (upstream) => {
    answer.writeHead(upstream.statusCode ?? 502, upstream.headers)
    upstream.pipe(answer)
    upstream.once('close', () => answer.end())
  })
  outgoing.once('error', () => answer.destroy())
  answer.once('close', () => outgoing.destroy())
  outgoing.end(changed ?? body)
}
