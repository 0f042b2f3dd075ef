// One run of the real Claude Code without a terminal: a prompt in, what it said and how it ended out.
import { runBounded } from '../base/run-bounded.ts'
import { type ClaudeAnswer, readClaudeAnswer } from './claude-events.ts'
import type { ClaudeHome } from './claude-home.ts'

export interface ClaudePrompt {
  readonly programPath: string
  readonly home: ClaudeHome
  readonly prompt: string
  /** Goes on with this conversation of the same home. */
  readonly sessionId?: string | null
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

export interface ClaudeRun extends ClaudeAnswer {
  /** All that it printed (stream-json). */
  readonly lines: readonly string[]
  /** null: ended by a signal, or not in time. */
  readonly exitCode: number | null
  readonly timedOut: boolean
  /** The end of what it complained of. */
  readonly complaint: string
}

/** Rejects only when aborted; whatever the client does is an answer. */
export const runClaude = async (prompt: ClaudePrompt): Promise<ClaudeRun> => {
  prompt.signal.throwIfAborted()
  const resume = prompt.sessionId == null ? [] : ['--resume', prompt.sessionId]
  const ended = await runBounded(
    prompt.programPath,
    ['--print', '--output-format', 'stream-json', '--verbose', ...resume],
    // A server that a tool of it started would hold its pipe open.
    { timeoutMs: prompt.timeoutMs, graceMs: 2_000, signal: prompt.signal },
    {
      cwd: prompt.home.projectDir,
      // On stdin: a prompt may be longer than an argument is allowed to be (128 KiB on Linux, execve(2)).
      input: prompt.prompt,
      env: clientEnvironment(prompt.home),
      extendEnv: false,
      maxBuffer: 64 * 1_048_576,
    },
  )
  const lines = ended.stdout.split('\n')
  if (lines.at(-1) === '') lines.pop()
  prompt.signal.throwIfAborted()
  return {
    ...readClaudeAnswer(lines),
    lines,
    exitCode: ended.exitCode,
    timedOut: ended.timedOut,
    complaint: lastComplaint(ended.stderr) || (ended.shortMessage ?? ''),
  }
}

/** Without the line that 2.1.332 prints for every model that Anthropic does not have (seen): it is no complaint. */
const lastComplaint = (stderr: string): string =>
  stderr
    .trim()
    .split('\n')
    .filter((line) => !line.startsWith('[claude-code:unrecognized_model]'))
    .at(-1) ?? ''

/** Nothing of this process's own: an ANTHROPIC_ variable or a proxy for the web would win over the settings. */
const clientEnvironment = (home: ClaudeHome): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '/usr/bin:/bin',
  HOME: home.homeDir,
  CLAUDE_CONFIG_DIR: home.configDir,
  TMPDIR: home.homeDir,
  LANG: 'C.UTF-8',
  NO_PROXY: '*',
})
