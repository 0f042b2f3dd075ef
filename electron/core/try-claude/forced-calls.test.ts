import { createServer, type IncomingHttpHeaders } from 'node:http'
import { expect, it } from 'vitest'
import { askHttp } from '../base/http-ask.ts'
import { forceNextCall, startForcedCalls } from './forced-calls.ts'

const calls = [
  { name: 'Read', input: { file_path: '/p/ä "b".sh' } },
  { name: 'Bash', input: { command: 'sh /p' } },
] as const
const read = {
  name: 'Read',
  description: 'Reads',
  input_schema: { type: 'object', properties: { file_path: { type: 'string' }, limit: { type: 'number' } } },
}
const bash = { name: 'Bash', input_schema: { type: 'object', properties: { command: { type: 'string' } } } }
const asked = { role: 'user', content: 'Read it.' }
const answered = (name: string) => [
  {
    role: 'assistant',
    content: [
      { type: 'text', text: 'so' },
      { type: 'tool_use', id: 'c1', name, input: {} },
    ],
  },
  { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'c1', content: 'done' }] },
]
const next = (messages: readonly object[], tools: readonly object[] = [read, bash]): unknown => {
  const text = forceNextCall(JSON.stringify({ model: 'm', stream: true, messages, tools }), calls)
  return text === null ? null : JSON.parse(text)
}

it('leaves one tool, one value for each argument, and no words before the call', () => {
  expect(next([asked])).toEqual({
    model: 'm',
    stream: true,
    tools: [
      {
        name: 'Read',
        description: 'Reads',
        input_schema: {
          type: 'object',
          properties: { file_path: { const: '/p/ä "b".sh' } },
          required: ['file_path'],
          additionalProperties: false,
        },
      },
    ],
    tool_choice: { type: 'any' },
    messages: [asked, { role: 'assistant', content: '<tool_call>' }],
    stop_sequences: ['<tool_call>'],
  })
})

it('goes by the calls that the conversation has, and ends with a turn without one', () => {
  expect(next([asked, ...answered('Read')])).toMatchObject({
    tools: [{ name: 'Bash', input_schema: { properties: { command: { const: 'sh /p' } } } }],
  })
  expect(next([asked, ...answered('Read'), ...answered('Bash')])).toEqual({
    model: 'm',
    stream: true,
    messages: [asked, ...answered('Read'), ...answered('Bash')],
    tools: [read, bash],
    tool_choice: { type: 'none' },
  })
})

it('counts each call of a message that holds several', () => {
  const [first, second] = [answered('Read'), answered('Bash')].map(([message]) => message?.content ?? [])
  const joined = { role: 'assistant', content: [...(first ?? []), ...(second ?? [])] }
  expect(next([asked, joined])).toMatchObject({ tool_choice: { type: 'none' } })
})

it.each([
  ['a request for a title', JSON.stringify({ messages: [asked] })],
  ['no tools', JSON.stringify({ messages: [asked], tools: [] })],
  ['a client without the tool', JSON.stringify({ messages: [asked], tools: [bash] })],
  ['no JSON', 'HEAD'],
  ['nothing', ''],
])('leaves %s as it is', (_, text) => {
  expect(forceNextCall(text, calls)).toBeNull()
})

it('hands on path, key and status, with the new body', async () => {
  const seen: { url: string | undefined; headers: IncomingHttpHeaders; body: string }[] = []
  const router = createServer(async (request, response) => {
    const pieces: Buffer[] = []
    for await (const piece of request) pieces.push(piece)
    seen.push({ url: request.url, headers: request.headers, body: Buffer.concat(pieces).toString('utf8') })
    response.writeHead(529, { 'content-type': 'application/json', 'retry-after': '10' })
    response.end('{"type":"error"}')
  })
  await new Promise<void>((resolve) => router.listen(0, '127.0.0.1', resolve))
  const address = router.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const forced = await startForcedCalls(`http://127.0.0.1:${address.port}`, calls)
  try {
    const answer = await askHttp(`${forced.url}/v1/messages?beta=true`, {
      method: 'POST',
      headers: { authorization: 'Bearer sk-opta-1', 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'm', messages: [asked], tools: [read] }),
      signal: AbortSignal.timeout(5_000),
      maxBytes: 1_000,
    })
    expect(answer).toEqual({ status: 529, ok: false, text: '{"type":"error"}' })
    expect(seen).toHaveLength(1)
    expect(seen[0]).toMatchObject({
      url: '/v1/messages?beta=true',
      headers: { authorization: 'Bearer sk-opta-1' },
    })
    expect(JSON.parse(seen[0]?.body ?? '')).toMatchObject({ tool_choice: { type: 'any' } })
  } finally {
    await forced.end()
    router.close()
  }
})
