// What the Router counts before it lets a request in is what LiteLLM then makes llama-server read: for the bodies of the
// real Claude Code, with its tools and a tool's result, rendered by our chat template.
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { createClaudeHomes, runClaude } from '../electron/core/try-claude/claude-run.ts'
import { requireEnv } from './bare-llama-server.ts'
import { createNexus, type NexusUnderTest } from './nexus-command.ts'
import { type AnthropicBody, startRecordingAnthropic } from './recording-anthropic.ts'

const patienceMs = 10 * 60_000
const GuideSchema = z.object({
  baseUrl: z.string(),
  developers: z.array(
    z.object({
      name: z.string(),
      key: z.string(),
      snippets: z.array(z.object({ id: z.string(), text: z.string() })),
    }),
  ),
})
const UsageSchema = z.object({
  usage: z.object({ input_tokens: z.number(), cache_read_input_tokens: z.number().nullish() }),
})

let nexus: NexusUnderTest
let guide: z.infer<typeof GuideSchema>
let bodies: readonly AnthropicBody[]

beforeAll(async () => {
  nexus = await createNexus({
    llamaServer: {
      // SmolLM2 shows a newline too few, which Gemma's tokenizer hides: Claude Code's two system blocks were counted as 4,182
      // tokens and read as 4,183.
      modelPath: requireEnv('NEXUS_TEST_MODEL'),
      slots: 1,
      chatTemplate: join(import.meta.dirname, '..', 'resources', 'templates', 'r1-distill-llama.jinja'),
    },
  })
  const up = await nexus.run('up', '--profile', nexus.profilePath)
  if (up.code !== 0) throw new Error(`${up.stderr}${up.stdout}`)
  guide = GuideSchema.parse(JSON.parse((await nexus.run('clients', '--json')).stdout))
  bodies = await recordClaudeCode()
}, patienceMs)

afterAll(() => nexus.dispose())

const developer = () => {
  const [first] = guide.developers
  if (first === undefined) throw new Error('no developer has a key')
  return first
}

/** With the very settings that developers are given. */
const recordClaudeCode = async (): Promise<readonly AnthropicBody[]> => {
  const anthropic = await startRecordingAnthropic()
  const homes = createClaudeHomes()
  const settings = developer().snippets.find(({ id }) => id === 'claude-settings')?.text ?? ''
  try {
    await runClaude({
      programPath: requireEnv('NEXUS_TEST_CLAUDE_CODE'),
      home: homes.add(settings.replaceAll(guide.baseUrl, anthropic.url)),
      prompt: 'Say where you are.',
      timeoutMs: 120_000,
      signal: new AbortController().signal,
    })
    return [...anthropic.bodies]
  } finally {
    homes.dispose()
    await anthropic.end()
  }
}

const answerTo = async (body: AnthropicBody) => {
  const response = await fetch(`${guide.baseUrl}/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': developer().key },
    body: JSON.stringify({ ...body, max_tokens: 100, stream: false }),
  })
  if (!response.ok) throw new Error(`it was answered ${response.status}: ${await response.text()}`)
  return UsageSchema.parse(await response.json())
}

const ask = async (
  body: AnthropicBody,
): Promise<{ readonly counted: number | null; readonly read: number }> => {
  // The feed reports the end of the previous request a moment after its answer.
  await nexus.until(({ requests }) => requests?.length === 0, patienceMs)
  const answer = answerTo(body)
  const snapshot = await nexus.until(
    ({ requests }) => requests?.some(({ promptTokens }) => promptTokens !== null) === true,
    patienceMs,
    [answer],
  )
  const { usage } = await answer
  return {
    counted: snapshot.requests?.[0]?.promptTokens ?? null,
    read: usage.input_tokens + (usage.cache_read_input_tokens ?? 0),
  }
}

it(
  'is the same to the token, with a tool call and its result too',
  async () => {
    expect(bodies.map(({ tools }) => (tools ?? []).length > 0)).toEqual([true, true])
    expect(JSON.stringify(bodies[1])).toContain('tool_result')
    for (const body of bodies) {
      const { counted, read } = await ask(body)
      expect(read).toBeGreaterThan(1_000)
      expect(counted).toBe(read)
    }
  },
  patienceMs,
)
