// Calls of tools on the real llama-server and LiteLLM, by the chat template that the Studio's model gets. The small model
// would make none: each is forced as `nexus try-claude` forces them, by llama-server's own grammar.
import Anthropic from '@anthropic-ai/sdk'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ourTemplatePath } from '../electron/core/engine/chat-template.ts'
import { type ForcedCall, forceNextCall } from '../electron/core/try-claude/forced-calls.ts'
import { createNexus, type NexusUnderTest } from './nexus-command.ts'

const settleMs = 180_000
const resourcesDir = `${import.meta.dirname}/../resources`
const GuideSchema = z.object({ baseUrl: z.string(), developers: z.array(z.object({ key: z.string() })) })

let nexus: NexusUnderTest
let client: Anthropic

beforeAll(async () => {
  nexus = await createNexus({
    llamaServer: {
      chatTemplate: ourTemplatePath(resourcesDir, 'r1-distill-llama'),
      contextTokens: 8_192,
      slots: 1,
    },
  })
  const up = await nexus.run('up', '--profile', nexus.profilePath)
  if (up.code !== 0) throw new Error(`${up.stderr}${up.stdout}`)
  const guide = GuideSchema.parse(JSON.parse((await nexus.run('clients', '--json')).stdout))
  client = new Anthropic({ apiKey: guide.developers[0]?.key ?? '', baseURL: guide.baseUrl, maxRetries: 0 })
}, settleMs)

afterAll(() => nexus.dispose())

type Message = Anthropic.MessageParam
type Body = Anthropic.MessageCreateParamsNonStreaming

const read: Anthropic.Tool = {
  name: 'Read',
  description: 'Reads a file',
  input_schema: { type: 'object', properties: { file_path: { type: 'string' } }, required: ['file_path'] },
}
const asked: Message = { role: 'user', content: 'Read it.' }
const path = '/tmp/à la "日本" \\ 🧑‍🚀.txt'
const readIt: ForcedCall = { name: 'Read', input: { file_path: path } }

/** The request whose next call is `call`, whatever the conversation has. */
const forced = (call: ForcedCall, messages: Message[]): Body => {
  const body = { model: 'opta-claude-3-r1', max_tokens: 200, temperature: 0, tools: [read], messages }
  const text = forceNextCall(
    JSON.stringify(body),
    Array.from({ length: messages.length }, () => call),
  )
  if (text === null) throw new Error('nothing to force')
  return JSON.parse(text)
}

const callsIn = ({ content }: Anthropic.Message) =>
  content.flatMap((block) => (block.type === 'tool_use' ? [{ name: block.name, input: block.input }] : []))

/** What the client sends next: the call, and what its tool answered. */
const answered = (answer: Anthropic.Message, result: Partial<Anthropic.ToolResultBlockParam>): Message[] => [
  { role: 'assistant', content: answer.content },
  {
    role: 'user',
    content: answer.content.flatMap((block) =>
      block.type === 'tool_use' ? [{ type: 'tool_result' as const, tool_use_id: block.id, ...result }] : [],
    ),
  },
]

describe('a call of a tool', () => {
  it.each(['whole', 'streamed'])(
    'comes back to the client with its arguments to the letter, %s',
    async (how) => {
      const body = forced(readIt, [asked])
      const answer =
        how === 'whole'
          ? await client.messages.create(body)
          : await client.messages.stream(body).finalMessage()
      expect(callsIn(answer)).toEqual([readIt])
      expect(answer.stop_reason).toBe('tool_use')
    },
  )

  /** Two calls: the model continues after the first one's end. */
  const twoCalls = (): Body => {
    const first = `{"name": "Read", "arguments": ${JSON.stringify(readIt.input)}}`
    const prefill = `<tool_call>\n${first}\n</tool_call>\n<tool_call>`
    return { ...forced(readIt, [asked]), messages: [asked, { role: 'assistant', content: prefill }] }
  }

  it('comes back beside another one', async () => {
    const answer = await client.messages.create(twoCalls())
    expect(callsIn(answer)).toEqual([readIt, readIt])
    const ids = answer.content.flatMap((block) => (block.type === 'tool_use' ? [block.id] : []))
    expect(new Set(ids).size).toBe(2)
    const next = forced(readIt, [asked, ...answered(answer, { content: 'done' })])
    expect(callsIn(await client.messages.create(next))).toEqual([readIt])
  })

  it.each(['whole', 'streamed'])(
    'comes back alone to a client that asked for one at most, %s',
    async (how) => {
      const body: Body = { ...twoCalls(), tool_choice: { type: 'any', disable_parallel_tool_use: true } }
      const answer =
        how === 'whole'
          ? await client.messages.create(body)
          : await client.messages.stream(body).finalMessage()
      expect(callsIn(answer)).toEqual([readIt])
      expect(answer.stop_reason).toBe('tool_use')
    },
  )
})

describe('what a tool answered', () => {
  it.each<[string, Partial<Anthropic.ToolResultBlockParam>]>([
    ['in words of any script', { content: 'à la 日本 🧑‍🚀\n\t"quoted" \\ <tool_call>' }],
    [
      'as blocks',
      {
        content: [
          { type: 'text', text: 'one' },
          { type: 'text', text: 'two' },
        ],
      },
    ],
    ['nothing', {}],
    ['a failure', { is_error: true, content: 'Exit code 127\n/bin/sh: 1: no-such: not found' }],
    // Claude Code 2.1.332's words for it (assumed).
    [
      'an edit that matched nothing',
      { is_error: true, content: '<tool_use_error>String to replace not found in file.</tool_use_error>' },
    ],
  ])('reaches the model, which goes on: %s', async (_, result) => {
    const first = await client.messages.create(forced(readIt, [asked]))
    const second = forced(readIt, [asked, ...answered(first, result)])
    expect(callsIn(await client.messages.create(second))).toEqual([readIt])
  })

  it('reaches the model with 30 KB', async () => {
    const first = await client.messages.create(forced(readIt, [asked]))
    const long = `${'='.repeat(64)}\n`.repeat(470)
    const [short, grown] = [
      await client.messages.create(forced(readIt, [asked, ...answered(first, { content: '' })])),
      await client.messages.create(forced(readIt, [asked, ...answered(first, { content: long })])),
    ]
    expect(callsIn(grown)).toEqual([readIt])
    const tokensOf = ({ usage }: Anthropic.Message) =>
      usage.input_tokens + (usage.cache_read_input_tokens ?? 0)
    // At least one token a line.
    expect(tokensOf(grown) - tokensOf(short)).toBeGreaterThan(470)
  })
})

it('appears in the doctor once it was seen, with the client', async () => {
  const doctor = await nexus.run('doctor', '--json')
  const { checks } = z
    .object({ checks: z.array(z.object({ id: z.string(), found: z.string() })) })
    .parse(JSON.parse(doctor.stdout))
  expect(checks.find(({ id }) => id === 'models.tools')?.found).toMatch(
    /^tools reach the model and it called one \(20\d\d-\d\d-\d\d \d\d:\d\d UTC, by Anthropic\/JS/,
  )
})
