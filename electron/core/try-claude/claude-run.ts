// One run of the real Claude Code without a terminal: takes a prompt, returns its output and how it ended.
import { execa } from 'execa'
import { type ClaudeAnswer, readClaudeAnswer } from './claude-events.ts'
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

export interface ClaudeRun extends ClaudeAnswer {
  /** Its whole output (stream-json). */
  readonly lines: readonly string[]
  /** null: ended by a signal or timed out. */
  readonly exitCode: number | null
  readonly timedOut: boolean
  /** The tail of its error output. */
  readonly complaint: string
}

/** Rejects only when aborted; anything the client does is a result. */
export const runClaude = async (prompt: ClaudePrompt): Promise<ClaudeRun> => {
  prompt.signal.throwIfAborted()
  const resume = prompt.sessionId == null ? [] : ['--resume', prompt.sessionId]
  const child = execa(
    prompt.programPath,
    ['--print', '--output-format', 'stream-json', '--verbose', ...resume],
    {
      cwd: prompt.home.projectDir,
      // On stdin: a prompt may exceed the limit of an argument (128 KiB on Linux, execve(2)).
      input: prompt.prompt,
      env: clientEnvironment(prompt.home),
      extendEnv: false,
      reject: false,
      timeout: prompt.timeoutMs,
      forceKillAfterDelay: 2_000,
      cancelSignal: prompt.signal,
      maxBuffer: 64 * 1_048_576,
    },
  )
  const lines: string[] = []
  for await (const line of child) lines.push(line)
  const ended = await child
  prompt.signal.throwIfAborted()
  return {
    ...readClaudeAnswer(lines),
    lines,
    exitCode: ended.exitCode ?? null,
    timedOut: ended.timedOut,
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
