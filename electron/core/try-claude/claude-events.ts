// Summarizes the output of headless Claude Code, line by line (`--output-format stream-json --verbose`). Pure.
import { z } from 'zod'
import { parseJsonOrNull } from '../base/json-record.ts'

export interface ClaudeAnswer {
  readonly sessionId: string | null
  readonly version: string | null
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

export interface ClaudeResult {
  readonly isError: boolean
  /** HTTP status of the error on which it gave up. */
  readonly apiErrorStatus: number | null
  readonly text: string
  readonly turns: number
  readonly stopReason: string | null
  /** Includes tokens found in the cache. */
  readonly inputTokens: number
  readonly outputTokens: number
  /** Since its first request. */
  readonly firstTokenMs: number | null
  readonly durationMs: number
  /** The context that it assumes for the model. */
  readonly contextWindow: number | null
}

const InitLine = z.object({
  type: z.literal('system'),
  subtype: z.literal('init'),
  session_id: z.string(),
  model: z.string(),
  tools: z.array(z.string()),
  claude_code_version: z.string(),
})
const RetryLine = z.object({ type: z.literal('system'), subtype: z.literal('api_retry') })
const CompactLine = z.object({
  type: z.literal('system'),
  subtype: z.literal('compact_boundary'),
  compact_metadata: z.object({ pre_tokens: z.number().optional() }).optional(),
})
/** Each block of an answer has its own line; other kinds (text, thinking) appear in the same places. */
const AssistantLine = z.object({
  type: z.literal('assistant'),
  message: z.object({ content: z.array(z.unknown()) }),
})
const ToolUseBlock = z.object({
  type: z.literal('tool_use'),
  id: z.string(),
  name: z.string(),
  input: z.record(z.string(), z.unknown()),
})
const UserLine = z.object({ type: z.literal('user'), message: z.object({ content: z.array(z.unknown()) }) })
const ToolResultBlock = z.object({
  type: z.literal('tool_result'),
  tool_use_id: z.string(),
  content: z.union([z.string(), z.array(z.object({ text: z.string().optional() }))]).optional(),
  is_error: z.boolean().nullish(),
})
const ResultLine = z.object({
  type: z.literal('result'),
  is_error: z.boolean(),
  api_error_status: z.number().nullish(),
  result: z.string().optional(),
  errors: z.array(z.string()).optional(),
  num_turns: z.number(),
  stop_reason: z.string().nullish(),
  ttft_ms: z.number().optional(),
  duration_ms: z.number(),
  usage: z.object({
    input_tokens: z.number(),
    cache_read_input_tokens: z.number().optional(),
    cache_creation_input_tokens: z.number().optional(),
    output_tokens: z.number(),
  }),
  modelUsage: z.record(z.string(), z.object({ contextWindow: z.number().optional() })).optional(),
})

export const readClaudeAnswer = (lines: readonly string[]): ClaudeAnswer => {
  let answer: ClaudeAnswer = {
    sessionId: null,
    version: null,
    model: null,
    tools: [],
    toolCalls: [],
    retries: 0,
    compactions: [],
    result: null,
  }
  for (const line of lines) answer = addLine(answer, parseJsonOrNull(line))
  return answer
}

/** Skips lines of unknown kinds: each release has new ones. */
const addLine = (answer: ClaudeAnswer, value: unknown): ClaudeAnswer => {
  const init = InitLine.safeParse(value)
  if (init.success) {
    const { session_id: sessionId, claude_code_version: version, model, tools } = init.data
    return { ...answer, sessionId, version, model, tools }
  }
  if (RetryLine.safeParse(value).success) return { ...answer, retries: answer.retries + 1 }
  const compact = CompactLine.safeParse(value)
  if (compact.success) {
    const preTokens = compact.data.compact_metadata?.pre_tokens ?? null
    return { ...answer, compactions: [...answer.compactions, { preTokens }] }
  }
  const said = AssistantLine.safeParse(value)
  if (said.success) {
    const calls = said.data.message.content.flatMap((block): ToolCall[] => {
      const call = ToolUseBlock.safeParse(block)
      if (!call.success) return []
      const { id, name, input } = call.data
      return [{ id, name, input, result: null, isError: false }]
    })
    return { ...answer, toolCalls: [...answer.toolCalls, ...calls] }
  }
  const heard = UserLine.safeParse(value)
  if (heard.success) return heard.data.message.content.reduce(addToolResult, answer)
  const result = ResultLine.safeParse(value)
  return result.success ? { ...answer, result: readResult(result.data) } : answer
}

const addToolResult = (answer: ClaudeAnswer, block: unknown): ClaudeAnswer => {
  const parsed = ToolResultBlock.safeParse(block)
  if (!parsed.success) return answer
  const { tool_use_id: id, content = '', is_error: isError } = parsed.data
  const result = typeof content === 'string' ? content : content.map(({ text }) => text ?? '').join('\n')
  const toolCalls = answer.toolCalls.map((call) =>
    call.id === id ? { ...call, result, isError: isError === true } : call,
  )
  return { ...answer, toolCalls }
}

const readResult = (line: z.infer<typeof ResultLine>): ClaudeResult => {
  const windows = Object.values(line.modelUsage ?? {}).map(({ contextWindow }) => contextWindow)
  return {
    isError: line.is_error,
    apiErrorStatus: line.api_error_status ?? null,
    text: line.result ?? line.errors?.join(' ') ?? '',
    turns: line.num_turns,
    stopReason: line.stop_reason ?? null,
    inputTokens:
      line.usage.input_tokens +
      (line.usage.cache_read_input_tokens ?? 0) +
      (line.usage.cache_creation_input_tokens ?? 0),
    outputTokens: line.usage.output_tokens,
    firstTokenMs: line.ttft_ms ?? null,
    durationMs: line.duration_ms,
    contextWindow: windows[0] ?? null,
  }
}
