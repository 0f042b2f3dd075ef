// One run of the real Claude Code without a terminal: takes a prompt, returns its output and how it ended.
import { runBounded } from '../base/run-bounded.ts'
import { readClaudeAnswer } from './claude-events.ts'
import type { ClaudeHome } from './claude-home.ts'

export interface ClaudePrompt {
  readonly programPath: string
  readonly home: ClaudeHome
  readonly prompt: string
  /** Continues this conversation of the same home. */
  readonly sessionId?: string | null
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

export type ClaudeRun = Awaited<ReturnType<typeof runClaude>>

/** Rejects only when aborted; anything the client does is a result. */
export const runClaude = async (prompt: ClaudePrompt) => {
  prompt.signal.throwIfAborted()
  const resume = prompt.sessionId == null ? [] : ['--resume', prompt.sessionId]
  const ended = await runBounded(
    prompt.programPath,
    ['--print', '--output-format', 'stream-json', '--verbose', ...resume],
    // A server that a tool of it started would hold its pipe open.
    { timeoutMs: prompt.timeoutMs, graceMs: 2_000, signal: prompt.signal },
    {
      cwd: prompt.home.projectDir,
      // On stdin: a prompt may exceed the limit of an argument (128 KiB on Linux, execve(2)).
      input: prompt.prompt,
      env: clientEnvironment(prompt.home),
      extendEnv: false,
      maxBuffer: 64 * 1_048_576,
    },
  )
  const output = ended.stdout.split('\n')
  const lines: readonly string[] = output.at(-1) === '' ? output.slice(0, -1) : output
  prompt.signal.throwIfAborted()
  return {
    ...readClaudeAnswer(lines),
    /** Its whole output (stream-json). */
    lines,
    /** null: ended by a signal or timed out. */
    exitCode: ended.exitCode,
    timedOut: ended.timedOut,
    /** The tail of its error output. */
    complaint: lastComplaint(ended.stderr) || (ended.shortMessage ?? ''),
  }
}

/** Drops the line that 2.1.332 prints for every model that is not Anthropic's (seen): it is no error. */
const lastComplaint = (stderr: string): string =>
  stderr
    .trim()
    .split('\n')
    .filter((line) => !line.startsWith('[claude-code:unrecognized_model]'))
    .at(-1) ?? ''

/** Inherits nothing else from this process: an ANTHROPIC_ or proxy variable would override the settings. */
const clientEnvironment = (home: ClaudeHome): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '/usr/bin:/bin',
  HOME: home.homeDir,
  CLAUDE_CONFIG_DIR: home.configDir,
  TMPDIR: home.homeDir,
  LANG: 'C.UTF-8',
  NO_PROXY: '*',
})
