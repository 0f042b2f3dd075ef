// A stand-in for Anthropic's API that keeps what the real Claude Code sends: first it asks for a tool, then it is done.
import { createServer, type ServerResponse } from 'node:http'
import { z } from 'zod'

const Block = z.looseObject({
  type: z.string(),
  text: z.string().optional(),
  name: z.string().optional(),
  input: z.unknown().optional(),
  content: z.unknown().optional(),
})
const Message = z.object({ role: z.string(), content: z.union([z.string(), z.array(Block)]) })
const Tool = z.looseObject({
  name: z.string(),
  description: z.string().optional(),
  input_schema: z.unknown(),
})
const Body = z.looseObject({
  model: z.string(),
  messages: z.array(Message),
  system: z.union([z.string(), z.array(Block)]).optional(),
  tools: z.array(Tool).optional(),
})
export type AnthropicBody = z.infer<typeof Body>

export interface RecordingAnthropic {
  readonly url: string
  readonly bodies: readonly AnthropicBody[]
  end(): Promise<void>
}

export const saidByTheTool = 'nexus-was-here'

const events = (isSecond: boolean): readonly (readonly [string, object])[] => {
  const usage = { input_tokens: 10, output_tokens: 1 }
  const message = {
    ...{ id: 'msg_1', type: 'message', role: 'assistant', model: 'recorded', content: [] },
    ...{ stop_reason: null, stop_sequence: null, usage },
  }
  const input = JSON.stringify({ command: `echo ${saidByTheTool}`, description: 'says it' })
  const [block, delta, reason] = isSecond
    ? [{ type: 'text', text: '' }, { type: 'text_delta', text: 'done' }, 'end_turn']
    : [
        { type: 'tool_use', id: 'toolu_1', name: 'Bash', input: {} },
        { type: 'input_json_delta', partial_json: input },
        'tool_use',
      ]
  return [
    ['message_start', { message }],
    ['content_block_start', { index: 0, content_block: block }],
    ['content_block_delta', { index: 0, delta }],
    ['content_block_stop', { index: 0 }],
    ['message_delta', { delta: { stop_reason: reason, stop_sequence: null }, usage: { output_tokens: 5 } }],
    ['message_stop', {}],
  ]
}

const answer = (response: ServerResponse, isSecond: boolean) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const [type, data] of events(isSecond))
    response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`)
  response.end()
}

export const startRecordingAnthropic = async (): Promise<RecordingAnthropic> => {
  const bodies: AnthropicBody[] = []
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (piece) => {
      text += String(piece)
    })
    request.on('end', () => {
      if (request.method !== 'POST') return void response.end()
      const body = Body.parse(JSON.parse(text))
      bodies.push(body)
      answer(response, text.includes('"tool_result"'))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('the system gave no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    bodies,
    end: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
