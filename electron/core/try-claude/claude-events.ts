// Summarizes the output of headless Claude Code, line by line (`--output-format stream-json --verbose`). Pure.
import { z } from 'zod'
import { parseJsonOrNull } from '../base/json-record.ts'

export interface ClaudeAnswer {
  readonly sessionId: string | null
  readonly model: string | null
  readonly tools: readonly string[]
  /** In the model's order. */
  readonly toolCalls: readonly ToolCall[]
  /** How often it retried after a bad answer of the Router. */
  readonly retries: number
  /** Its compactions, with the conversation's size before each if it says so. */
  readonly compactions: readonly { readonly preTokens: number | null }[]
  /** null: it ended without its last line. */
  readonly result: ClaudeResult | null
}

export interface ToolCall {
  readonly id: string
  readonly name: string
  readonly input: Readonly<Record<string, unknown>>
  /** The tool's answer, its texts joined; null: none came. */
  readonly result: string | null
  readonly isError: boolean
}

type ClaudeResult = ReturnType<typeof readResult>

const Blocks = z.object({ content: z.array(z.unknown()) })
/** Other lines are skipped: each release has new ones. */
const Line = z.discriminatedUnion('type', [
  z.discriminatedUnion('subtype', [
    z.object({
      type: z.literal('system'),
      subtype: z.literal('init'),
      session_id: z.string(),
      model: z.string(),
      tools: z.array(z.string()),
    }),
    z.object({ type: z.literal('system'), subtype: z.literal('api_retry') }),
    z.object({
      type: z.literal('system'),
      subtype: z.literal('compact_boundary'),
      compact_metadata: z.object({ pre_tokens: z.number().optional() }).optional(),
    }),
  ]),
  /** Each block of an answer has its own line; other kinds (text, thinking) appear in the same places. */
  z.object({ type: z.literal('assistant'), message: Blocks }),
  z.object({ type: z.literal('user'), message: Blocks }),
  z.object({
    type: z.literal('result'),
    is_error: z.boolean(),
    api_error_status: z.number().nullish(),
    result: z.string().optional(),
    errors: z.array(z.string()).optional(),
    ttft_ms: z.number().optional(),
    duration_ms: z.number(),
    usage: z.object({
      input_tokens: z.number(),
      cache_read_input_tokens: z.number().default(0),
      cache_creation_input_tokens: z.number().default(0),
      output_tokens: z.number(),
    }),
    modelUsage: z.record(z.string(), z.object({ contextWindow: z.number().optional() })).optional(),
  }),
])
const ToolUseBlock = z.object({
  type: z.literal('tool_use'),
  id: z.string(),
  name: z.string(),
  input: z.record(z.string(), z.unknown()),
})
const ToolResultBlock = z.object({
  type: z.literal('tool_result'),
  tool_use_id: z.string(),
  content: z.union([z.string(), z.array(z.object({ text: z.string().optional() }))]).default(''),
  is_error: z.boolean().nullish(),
})

export const readClaudeAnswer = (lines: readonly string[]): ClaudeAnswer => {
  const nothing = { sessionId: null, model: null, tools: [], toolCalls: [], retries: 0, compactions: [] }
  return lines.reduce<ClaudeAnswer>(addLine, { ...nothing, result: null })
}

const addLine = (answer: ClaudeAnswer, text: string): ClaudeAnswer => {
  const parsed = Line.safeParse(parseJsonOrNull(text))
  if (!parsed.success) return answer
  const line = parsed.data
  switch (line.type) {
    case 'assistant': {
      const calls = line.message.content.flatMap((block): ToolCall[] => {
        const { data: call } = ToolUseBlock.safeParse(block)
        if (call === undefined) return []
        const { id, name, input } = call
        return [{ id, name, input, result: null, isError: false }]
      })
      return { ...answer, toolCalls: [...answer.toolCalls, ...calls] }
    }
    case 'user':
      return line.message.content.reduce(addToolResult, answer)
    case 'result':
      return { ...answer, result: readResult(line) }
    case 'system':
      break
  }
  switch (line.subtype) {
    case 'init':
      return { ...answer, sessionId: line.session_id, model: line.model, tools: line.tools }
    case 'api_retry':
      return { ...answer, retries: answer.retries + 1 }
    case 'compact_boundary': {
      const preTokens = line.compact_metadata?.pre_tokens ?? null
      return { ...answer, compactions: [...answer.compactions, { preTokens }] }
    }
  }
}

const addToolResult = (answer: ClaudeAnswer, block: unknown): ClaudeAnswer => {
  const parsed = ToolResultBlock.safeParse(block)
  if (!parsed.success) return answer
  const { tool_use_id: id, content, is_error: isError } = parsed.data
  const result = typeof content === 'string' ? content : content.map(({ text }) => text ?? '').join('\n')
  const toolCalls = answer.toolCalls.map((call) =>
    call.id === id ? { ...call, result, isError: isError === true } : call,
  )
  return { ...answer, toolCalls }
}

const readResult = ({
  usage,
  modelUsage = {},
  ...line
}: Extract<z.infer<typeof Line>, { readonly type: 'result' }>) => ({
  isError: line.is_error,
  /** HTTP status of the error on which it gave up. */
  apiErrorStatus: line.api_error_status ?? null,
  text: line.result ?? line.errors?.join(' ') ?? '',
  /** Includes tokens found in the cache. */
  inputTokens: usage.input_tokens + usage.cache_read_input_tokens + usage.cache_creation_input_tokens,
  outputTokens: usage.output_tokens,
  /** Since its first request. */
  firstTokenMs: line.ttft_ms ?? null,
  durationMs: line.duration_ms,
  /** The context that it assumes for the model. */
  contextWindow: Object.values(modelUsage)[0]?.contextWindow ?? null,
})
