// Claude Code's settings.json for this Router: the lines that were measured to matter, each with its reason.

import type { Profile } from '../../contract/profile.ts'
import { formatCount } from '../base/format-bytes.ts'
import { claudeModelName, isMeasuredName } from '../router/claude-model-name.ts'
import type { ClientLimits } from '../router/client-limits.ts'
import { keptTools } from '../router/kept-tools.ts'
import { measuredClaudeCode } from '../setup/claude-code-releases.ts'
import { type StatusLine, statusLine } from './status-line.ts'

/** One line of the file and its reason. `name` is a variable, `permissions.deny`, or `statusLine`. */
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
  /** Number of parallel requests. */
  readonly slots: number
}

/**
 * Further tools that 2.1.197 and 2.1.332 send and describe in their prompts, with -p and in a terminal: denying them removes both
 * (2.1.332: 77 KB without the list, 16 KB with it). The Router drops the tools of later releases (proxy.tools).
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

/** A fifth agent waits for its turn, so never below Claude Code's default of 10 minutes. */
const clientTimeoutMs = (requestTimeoutSeconds: number): number => Math.max(600, requestTimeoutSeconds) * 1000

/** Variables that all get this value, with their reasons. */
const all = (value: string, reasons: Readonly<Record<string, string>>): readonly ClaudeSetting[] =>
  Object.entries(reasons).map(([name, why]) => ({ name, value, why }))

const sameModel = "the same model, so that no request uses one of Claude Code's own model names"
const otherModels = {
  ANTHROPIC_DEFAULT_OPUS_MODEL: sameModel,
  ANTHROPIC_DEFAULT_SONNET_MODEL: sameModel,
  ANTHROPIC_DEFAULT_HAIKU_MODEL: sameModel,
  CLAUDE_CODE_SUBAGENT_MODEL: sameModel,
}
const switchedOff = {
  CLAUDE_CODE_ATTRIBUTION_HEADER:
    'without it every prompt starts with a line that differs per session, so sessions cannot share the prompt cache',
  CLAUDE_CODE_AUTO_MODE_SERVER: "auto mode skips a check that only Anthropic's servers perform",
}
const switchedOn = {
  CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS: 'leaves out context management, which only Anthropic supports',
  CLAUDE_CODE_DISABLE_THINKING: 'the model thinks anyway and cannot keep to a thinking budget',
  CLAUDE_CODE_SIMPLE_SYSTEM_PROMPT:
    'a system prompt of 5.9 KB instead of 26.7 KB: the model reads it at the start of every session',
  CLAUDE_CODE_DISABLE_TERMINAL_TITLE:
    'otherwise each prompt also requests a title in parallel, which takes a second slot',
  CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC:
    'no telemetry, and no update to a release that was not tested with this Router',
  CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK:
    'a stalled stream is not requested again without streaming, which would cost a second full prefill',
  CLAUDE_CODE_RETRY_WATCHDOG:
    'waits out overloaded responses (529) instead of counting them: in a test it survived four with a limit of two, and a model named Opus no longer gives up after three',
  CLAUDE_CODE_GATEWAY_HINT_HEADERS:
    'each request names its purpose (x-claude-code-request-class: main) and its prompt',
}
const timeouts = {
  CLAUDE_CODE_RETRY_WATCHDOG_MAX_WAIT_MS:
    'overloaded responses are waited out for no longer than one answer may take, so an unattended run ends',
  CLAUDE_STREAM_IDLE_TIMEOUT_MS:
    'otherwise Claude Code gives up a stream after 5 minutes without a token ("Stream idle timeout"), despite pings: reading a long prompt may take longer',
  API_TIMEOUT_MS: 'as long as the Router waits, because a fifth agent may wait long for a slot',
}

export const claudeSettings = (input: ClaudeSettingsInput): readonly ClaudeSetting[] => {
  const { limits, proxy, slots } = input
  const model = claudeModelName(proxy)
  const kept = keptTools(proxy, limits, slots)
  return [
    ...all(input.baseUrl, { ANTHROPIC_BASE_URL: 'the Router, without /v1' }),
    ...all(input.apiKey, {
      ANTHROPIC_AUTH_TOKEN:
        'your key, as Authorization: Bearer. For ANTHROPIC_API_KEY Claude Code would first ask whether to use it, and accept a No; with both set it warns of a conflict',
    }),
    ...all(model, {
      ANTHROPIC_MODEL: isMeasuredName(model)
        ? `the Router answers to every name; this one makes Claude Code respect the context limit below and leave out thinking, effort and mid-conversation system messages (${measuredClaudeCode})`
        : 'the name in the profile (proxy.modelName)',
      ...otherModels,
    }),
    ...all(String(limits.contextTokens), {
      CLAUDE_CODE_MAX_CONTEXT_TOKENS:
        'the real size of your slot; without it Claude Code assumes 200,000 tokens and fails when the slot is full',
    }),
    ...all(String(limits.maxOutputTokens), {
      CLAUDE_CODE_MAX_OUTPUT_TOKENS: `the longest answer, including the model's thinking${limits.compactAtTokens === null ? '' : `; Claude Code then summarises by itself at ${formatCount(limits.compactAtTokens)} tokens`}`,
    }),
    ...all('0', switchedOff),
    ...all('1', switchedOn),
    ...all('15', { CLAUDE_CODE_MAX_RETRIES: 'the maximum: enough to outlast a restart of the Router' }),
    ...all(String(clientTimeoutMs(proxy.requestTimeoutSeconds)), timeouts),
    ...subagentSettings(kept, slots),
    ...smallSlotSettings(limits),
    {
      name: 'permissions.deny',
      value: spareTools.filter((name) => kept?.includes(name) === false),
      why: `removes these tools from every request and its prompts: 16 KB instead of 77 KB with -p. ${kept === null ? 'The rest' : kept.join(', ')} and MCP tools remain; to reach the model, a tool must also be listed in proxy.tools`,
    },
    {
      name: 'statusLine',
      value: statusLine('unix'),
      why: 'shows the stack under your prompt: free slots, your place in the queue, tokens a second, context. One small curl request to the Router; shows nothing when it fails. On Windows use the other line',
    },
  ]
}

/** Claude Code's default is 20 at once (2.1.217). One slot stays for the agent that waits for them. */
const subagentSettings = (kept: readonly string[] | null, slots: number): readonly ClaudeSetting[] =>
  kept === null || kept.includes('Agent')
    ? all(String(Math.max(1, slots - 1)), {
        CLAUDE_CODE_MAX_CONCURRENT_SUBAGENTS: `of the ${slots} slots one stays for the agent itself; Claude Code refuses further subagents with a message, so they take no one else's slot`,
      })
    : []

/**
 * 2.1.332 compacts unknown models at window - output - 13,000 (read in the binary). Below zero it compacts before every turn:
 * three requests instead of one, or "Prompt is too long" without any (measured with a slot of 5,120 tokens).
 */
const smallSlotSettings = ({ compactAtTokens }: ClientLimits): readonly ClaudeSetting[] =>
  compactAtTokens === null
    ? all('1', {
        CLAUDE_CODE_DISABLE_UNKNOWN_MODEL_WINDOW_ENFORCEMENT:
          'your slot is smaller than the reserve of Claude Code, so it would compact before every turn; the Router reports a prompt that is too long',
      })
    : []

/** The file's text. */
export const renderClaudeSettings = (settings: readonly ClaudeSetting[]): string => {
  const find = (wanted: string) => settings.find(({ name }) => name === wanted)?.value
  const env = settings.flatMap(({ name, value }) => (typeof value === 'string' ? [[name, value]] : []))
  const file = {
    env: Object.fromEntries(env),
    permissions: { deny: find('permissions.deny') ?? [] },
    statusLine: find('statusLine'),
  }
  return JSON.stringify(file, null, 2)
}

/** "NAME: why" lines to show beside the file, because JSON has no comments. */
export const explainClaudeSettings = (settings: readonly ClaudeSetting[]): readonly string[] =>
  settings.map(({ name, why }) => `${name}: ${why}.`)
