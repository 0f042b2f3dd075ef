// Claude Code's settings.json for this Router: what was measured to matter, each line with its reason.

import type { Profile } from '../../contract/profile.ts'
import { formatCount } from '../base/format-bytes.ts'
import { claudeModelName, isMeasuredName } from '../router/claude-model-name.ts'
import type { ClientLimits } from '../router/client-limits.ts'
import { keptTools } from '../router/kept-tools.ts'
import { measuredClaudeCode } from '../setup/claude-code-releases.ts'
import { type StatusLine, statusLine } from './status-line.ts'

/** One line of the file, and why it is there. `name` is the variable's, `permissions.deny`, or `statusLine`. */
export interface ClaudeSetting {
  readonly name: string
  readonly value: string | readonly string[] | StatusLine
  readonly why: string
}

export interface ClaudeSettingsInput {
  readonly baseUrl: string
  readonly apiKey: string
  readonly limits: ClientLimits
  readonly proxy: Pick<Profile['proxy'], 'modelName' | 'requestTimeoutSeconds' | 'tools'>
  /** How many requests are answered at once. */
  readonly slots: number
}

/**
 * What 2.1.197 and 2.1.332 send besides, with -p and in a terminal, and describe in their prompts: what is denied here leaves
 * both (2.1.332: 77 KB without the list, 16 KB with it). What a later release adds, the Router leaves out (proxy.tools).
 */
const spareTools = [
  'Agent',
  'AskUserQuestion',
  'CronCreate',
  'CronDelete',
  'CronList',
  'EnterPlanMode',
  'EnterWorktree',
  'ExitWorktree',
  'ListAgents',
  'Monitor',
  'NotebookEdit',
  'ReportFindings',
  'ScheduleWakeup',
  'SendMessage',
  'Skill',
  'TaskCreate',
  'TaskGet',
  'TaskList',
  'TaskOutput',
  'TaskStop',
  'TaskUpdate',
  'WebFetch',
  'WebSearch',
  'Workflow',
] as const

/** The client waits for a fifth agent's turn, so never less than its own default of 10 minutes. */
const clientTimeoutMs = (requestTimeoutSeconds: number): number => Math.max(600, requestTimeoutSeconds) * 1000

export const claudeSettings = (input: ClaudeSettingsInput): readonly ClaudeSetting[] => {
  const { limits, proxy } = input
  const model = claudeModelName(proxy)
  const kept = keptTools(proxy, limits, input.slots)
  const denied = spareTools.filter((name) => kept?.includes(name) === false)
  const timeout = String(clientTimeoutMs(proxy.requestTimeoutSeconds))
  const sameModel = `the same model, so that nothing is asked for under a name of Claude Code's own`
  return [
    { name: 'ANTHROPIC_BASE_URL', value: input.baseUrl, why: 'the Router, without /v1' },
    {
      name: 'ANTHROPIC_AUTH_TOKEN',
      value: input.apiKey,
      why: 'your key, as Authorization: Bearer. With ANTHROPIC_API_KEY Claude Code first asks whether to use it, and takes no for an answer; with both set it warns of a conflict',
    },
    {
      name: 'ANTHROPIC_MODEL',
      value: model,
      why: isMeasuredName(model)
        ? `the Router answers every name; this one makes Claude Code believe the context limit below and leave out thinking, effort and mid-conversation system messages (${measuredClaudeCode})`
        : 'the name in the profile (proxy.modelName)',
    },
    { name: 'ANTHROPIC_DEFAULT_OPUS_MODEL', value: model, why: sameModel },
    { name: 'ANTHROPIC_DEFAULT_SONNET_MODEL', value: model, why: sameModel },
    { name: 'ANTHROPIC_DEFAULT_HAIKU_MODEL', value: model, why: sameModel },
    { name: 'CLAUDE_CODE_SUBAGENT_MODEL', value: model, why: sameModel },
    {
      name: 'CLAUDE_CODE_MAX_CONTEXT_TOKENS',
      value: String(limits.contextTokens),
      why: `what your slot really holds; without it Claude Code counts on 200,000 tokens and stops with an error when they are not there`,
    },
    {
      name: 'CLAUDE_CODE_MAX_OUTPUT_TOKENS',
      value: String(limits.maxOutputTokens),
      why:
        limits.compactAtTokens === null
          ? "what an answer may take of it, the model's thinking included"
          : `what an answer may take of it, the model's thinking included; Claude Code then summarises by itself at ${formatCount(limits.compactAtTokens)} tokens`,
    },
    {
      name: 'CLAUDE_CODE_ATTRIBUTION_HEADER',
      value: '0',
      why: 'without it a line that differs in every session stands before everything else, and sessions cannot share a prompt cache',
    },
    {
      name: 'CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS',
      value: '1',
      why: 'leaves out context management, which only Anthropic has',
    },
    {
      name: 'CLAUDE_CODE_DISABLE_THINKING',
      value: '1',
      why: 'the model thinks by itself; a thinking budget is not its to keep',
    },
    {
      name: 'CLAUDE_CODE_SIMPLE_SYSTEM_PROMPT',
      value: '1',
      why: 'a system prompt of 5.9 KB instead of 26.7 KB: every new session must read it first',
    },
    {
      name: 'CLAUDE_CODE_DISABLE_TERMINAL_TITLE',
      value: '1',
      why: 'otherwise each prompt also asks for a title, in parallel, which takes a second slot',
    },
    {
      name: 'CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC',
      value: '1',
      why: 'no telemetry, and no update to a release that nobody has tried with this Router',
    },
    {
      name: 'CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK',
      value: '1',
      why: 'a stream that stalls is not asked for a second time without streaming: that would be a second whole prefill',
    },
    {
      name: 'CLAUDE_CODE_MAX_RETRIES',
      value: '15',
      why: 'the most there is: enough to outlast a restart of the Router',
    },
    {
      name: 'CLAUDE_CODE_RETRY_WATCHDOG',
      value: '1',
      why: 'a refusal as overloaded (529) is waited out instead of counted: with it four refusals outlasted a limit of two, and three no longer end a model named Opus',
    },
    {
      name: 'CLAUDE_CODE_RETRY_WATCHDOG_MAX_WAIT_MS',
      value: timeout,
      why: 'and for no longer than one answer may take, so that a run that nobody watches ends',
    },
    {
      name: 'CLAUDE_CODE_GATEWAY_HINT_HEADERS',
      value: '1',
      why: 'each request says what it is for (x-claude-code-request-class: main) and which prompt it belongs to',
    },
    {
      name: 'CLAUDE_CODE_AUTO_MODE_SERVER',
      value: '0',
      why: "auto mode does not ask for a check that only Anthropic's servers make",
    },
    ...subagentSettings(kept, input.slots),
    ...smallSlotSettings(limits),
    {
      name: 'CLAUDE_STREAM_IDLE_TIMEOUT_MS',
      value: timeout,
      why: 'otherwise a stream without a token for 5 minutes is given up ("Stream idle timeout"), pings or not: a fifth agent waits, and a long prompt is read, for longer than that',
    },
    {
      name: 'API_TIMEOUT_MS',
      value: timeout,
      why: 'as long as the Router waits; a fifth agent may wait long for a slot, and is then not dead',
    },
    {
      name: 'permissions.deny',
      value: denied,
      why: `whole tools named here are left out of every request, and of its prompts: 16 KB instead of 77 KB with -p. ${kept === null ? 'The rest' : kept.join(', ')} and what MCP brings remain; a tool also needs its name in proxy.tools to reach the model`,
    },
    {
      name: 'statusLine',
      value: statusLine('unix'),
      why: 'shows the stack under your prompt: free slots, your place in the queue, tokens a second, context. One small request of curl to the Router; nothing is shown when it fails. On Windows take the other line',
    },
  ]
}

/** Its own default is 20 at once (2.1.217). One slot is left to the agent that waits for them. */
const subagentSettings = (kept: readonly string[] | null, slots: number): readonly ClaudeSetting[] =>
  kept === null || kept.includes('Agent')
    ? [
        {
          name: 'CLAUDE_CODE_MAX_CONCURRENT_SUBAGENTS',
          value: String(Math.max(1, slots - 1)),
          why: `of the ${slots} slots one stays for the agent itself; a subagent beyond that is refused by Claude Code with a word, and takes no slot of another's`,
        },
      ]
    : []

/**
 * 2.1.332 compacts unknown models at window - output - 13,000 (read in the binary). Below zero that is before every turn: three
 * requests instead of one, or "Prompt is too long" without any (measured with a slot of 5,120 tokens).
 */
const smallSlotSettings = ({ compactAtTokens }: ClientLimits): readonly ClaudeSetting[] =>
  compactAtTokens === null
    ? [
        {
          name: 'CLAUDE_CODE_DISABLE_UNKNOWN_MODEL_WINDOW_ENFORCEMENT',
          value: '1',
          why: 'your slot is smaller than what Claude Code keeps free, so that it would compact before every turn; the Router says when a prompt is too long',
        },
      ]
    : []

/** The text of the file. */
export const renderClaudeSettings = (settings: readonly ClaudeSetting[]): string => {
  const env: Record<string, string> = {}
  let deny: readonly string[] = []
  let line: StatusLine | null = null
  for (const { name, value } of settings) {
    if (typeof value === 'string') env[name] = value
    else if ('command' in value) line = value
    else deny = value
  }
  const file = { env, permissions: { deny }, ...(line === null ? {} : { statusLine: line }) }
  return JSON.stringify(file, null, 2)
}

/** "NAME: why", for beside the file: JSON has no comments. */
export const explainClaudeSettings = (settings: readonly ClaudeSetting[]): readonly string[] =>
  settings.map(({ name, why }) => `${name}: ${why}.`)
