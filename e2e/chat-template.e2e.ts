// Our chat template in the real llama-server, with requests of the real Claude Code. The weights do not matter: only the
// template renders a request.
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { parseToolCaps } from '../electron/core/doctor/checks-on-tools.ts'
import { type ClaudeRun, createClaudeHomes, runClaude } from '../electron/core/try-claude/claude-run.ts'
import { type BareLlamaServer, requireEnv, startBareLlamaServer } from './bare-llama-server.ts'
import { type AnthropicBody, saidByTheTool, startRecordingAnthropic } from './recording-anthropic.ts'

const template = join(import.meta.dirname, '..', 'resources', 'templates', 'r1-distill-llama.jinja')

let server: BareLlamaServer
let bodies: readonly AnthropicBody[]
let run: ClaudeRun

beforeAll(async () => {
  // Gemma: SmolLM2 doesn't repeat a call from examples. Of two models llama-server takes the last.
  const model = requireEnv('NEXUS_TEST_SLIDING_WINDOW_MODEL')
  const flags = ['--jinja', '--chat-template-file', template, '-c', '8192', '-np', '1']
  server = await startBareLlamaServer('-m', model, ...flags)
  const anthropic = await startRecordingAnthropic()
  const homes = createClaudeHomes()
  try {
    run = await runClaude({
      programPath: requireEnv('NEXUS_TEST_CLAUDE_CODE'),
      // No more than how to get here: every tool, and the system messages in the middle that its newest models get.
      home: homes.add(
        JSON.stringify({
          env: { ANTHROPIC_BASE_URL: anthropic.url, ANTHROPIC_AUTH_TOKEN: 'sk-opta-recorded' },
          permissions: { allow: ['Bash(echo:*)'] },
        }),
      ),
      prompt: 'Say where you are.',
      timeoutMs: 120_000,
      signal: new AbortController().signal,
    })
    // Without tools it asks for a title only.
    bodies = anthropic.bodies.filter(({ tools }) => (tools ?? []).length > 0)
  } finally {
    homes.dispose()
    await anthropic.end()
  }
})

afterAll(() => server.end())

type Block = Exclude<AnthropicBody['messages'][number]['content'], string>[number]

const textOf = (content: string | readonly Block[] | undefined): string =>
  typeof content === 'string' ? content : (content ?? []).map(({ text }) => text ?? '').join('\n\n')

/** Converts Anthropic's format to OpenAI's, which the template gets, as llama-server and LiteLLM do. */
const toChat = (body: AnthropicBody) => ({
  tools: (body.tools ?? []).map(({ name, description, input_schema: parameters }) => ({
    type: 'function',
    function: { name, description, parameters },
  })),
  messages: [
    ...(body.system === undefined ? [] : [{ role: 'system', content: textOf(body.system) }]),
    ...body.messages.flatMap(({ role, content }): object[] => {
      if (typeof content === 'string') return [{ role, content }]
      const calls = content.filter(({ type }) => type === 'tool_use')
      const results = content.filter(({ type }) => type === 'tool_result')
      const text = textOf(content.filter(({ type }) => type === 'text'))
      const tool_calls = calls.map(({ id, name, input }) => ({
        id,
        type: 'function',
        function: { name, arguments: JSON.stringify(input) },
      }))
      return [
        ...results.map(({ content: result }) => ({ role: 'tool', content: readText(result) })),
        ...(text === '' && calls.length === 0
          ? []
          : [{ role, content: text, ...(calls.length === 0 ? {} : { tool_calls }) }]),
      ]
    }),
  ],
})

const readText = (content: unknown): string => {
  const blocks = z.array(z.object({ text: z.string().optional() })).safeParse(content)
  return blocks.success ? blocks.data.map(({ text }) => text ?? '').join('\n') : String(content)
}

const render = async (chat: object): Promise<string> =>
  z.object({ prompt: z.string() }).parse(await server.post('/apply-template', chat)).prompt

const first = (): AnthropicBody => {
  const [body] = bodies
  if (body === undefined) throw new Error('Claude Code sent nothing')
  return body
}

/** Not `toContain`: a failure would print 80 KB of prompt. */
const missingIn = (prompt: string, parts: readonly string[]): readonly string[] =>
  parts.filter((part) => !prompt.includes(part))

const count = (text: string, part: string): number => text.split(part).length - 1

describe("llama-server's own look at the template", () => {
  it('finds tools, calls and the system role', async () => {
    expect(parseToolCaps(JSON.stringify(await server.get('/props')))).toEqual({
      kind: 'caps',
      tools: true,
      toolCalls: true,
      systemRole: true,
    })
  })
})

describe('what the real Claude Code sends', () => {
  it('was a whole task: a tool requested, run and answered', () => {
    expect(run).toMatchObject({ exitCode: 0, result: { text: 'done' } })
    expect(bodies).toHaveLength(2)
    // Twelve with 2.1.332, of which two stand for more (ToolSearch, DeferredToolPlaceholder).
    expect(first().tools?.length).toBeGreaterThan(10)
  })

  it('is rendered with every tool, by name, description and parameters', async () => {
    const prompt = await render(toChat(first()))
    const tools = first().tools ?? []
    const parts = tools.flatMap(({ name, description }) => [
      `"name": ${JSON.stringify(name)}`,
      JSON.stringify((description ?? '').slice(0, 40)).slice(1, -1),
    ])
    expect(missingIn(prompt, [...parts, '"command"'])).toEqual([])
    // 60 KB and more: R1's own template leaves 1,538 tokens of such a request.
    expect(prompt.length).toBeGreaterThan(40_000)
  })

  it('keeps every system message, also those in the middle of the conversation', async () => {
    const prompt = await render(toChat(first()))
    const inTheMiddle = first().messages.filter(({ role }) => role === 'system')
    expect(inTheMiddle.length).toBeGreaterThan(0)
    const texts = [textOf(first().system), ...inTheMiddle.map(({ content }) => textOf(content))]
    expect(
      missingIn(
        prompt,
        texts.flatMap((text) => [text.slice(0, 200), text.slice(-200)]),
      ),
    ).toEqual([])
    expect(prompt.indexOf(texts[0]?.slice(0, 200) ?? '')).toBeLessThan(prompt.indexOf('<｜User｜>'))
  })

  it('keeps the call and the tool result', async () => {
    const second = bodies[1]
    if (second === undefined) throw new Error('there was no second request')
    const prompt = await render(toChat(second))
    const call = `<tool_call>\n{"name": "Bash", "arguments": {"command": "echo ${saidByTheTool}"`
    const result = `<tool_response>\n${saidByTheTool}\n</tool_response>`
    expect(missingIn(prompt, [call, result])).toEqual([])
    // The earlier part stays unchanged, so that only the new part is read.
    const before = (await render(toChat(first()))).replace(/<｜Assistant｜><think>\n$/, '')
    expect(prompt.startsWith(before)).toBe(true)
  })

  it('ends where the model begins to think, in one turn of the user', async () => {
    const prompt = await render(toChat(first()))
    expect(prompt.endsWith('<｜Assistant｜><think>\n')).toBe(true)
    expect(count(prompt, '<｜User｜>')).toBe(1)
    const unthinking = await render({ ...toChat(first()), chat_template_kwargs: { enable_thinking: false } })
    expect(unthinking.endsWith('<｜Assistant｜><think>\n\n</think>\n\n')).toBe(true)
  })
})

const Answer = z.object({
  choices: z.tuple([
    z.object({
      message: z.object({
        content: z.string().nullable(),
        reasoning_content: z.string().optional(),
        tool_calls: z
          .array(z.object({ function: z.object({ name: z.string(), arguments: z.string() }) }))
          .optional(),
      }),
    }),
  ]),
})
const ask = async (body: object) =>
  Answer.parse(await server.post('/v1/chat/completions', { temperature: 0, ...body })).choices[0].message

describe("the model's answer", () => {
  it('has its thinking separated', async () => {
    const message = await ask({
      messages: [{ role: 'user', content: 'What is six times seven?' }],
      // The small model would think forever: this is a scripted answer, which llama-server splits into its parts.
      grammar: 'root ::= "six by seven</think>\\n\\nForty-two."',
      max_tokens: 40,
    })
    expect(message.reasoning_content?.trim()).toBe('six by seven')
    expect(message.content?.trim()).toBe('Forty-two.')
  })

  it('has its tool call as a call', async () => {
    const turns = ['/a', '/b', '/c'].flatMap((path, index) => [
      { role: 'user', content: `Read ${path}` },
      {
        role: 'assistant',
        content: null,
        tool_calls: [
          {
            id: `call_${index}`,
            type: 'function',
            function: { name: 'Read', arguments: JSON.stringify({ path }) },
          },
        ],
      },
      { role: 'tool', tool_call_id: `call_${index}`, content: 'ok' },
    ])
    const message = await ask({
      // Three examples are enough for even the smallest model to do the same a fourth time.
      messages: [...turns, { role: 'user', content: 'Read /d' }],
      tools: [
        {
          type: 'function',
          function: {
            name: 'Read',
            description: 'Reads a file',
            parameters: { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] },
          },
        },
      ],
      chat_template_kwargs: { enable_thinking: false },
      max_tokens: 40,
    })
    expect(message.tool_calls?.[0]?.function).toEqual({ name: 'Read', arguments: '{"path": "/d"}' })
    expect(message.content?.trim() ?? '').toBe('')
  })
})
