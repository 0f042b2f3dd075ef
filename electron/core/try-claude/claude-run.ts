// One run of the real Claude Code without a terminal, in a home of its own: takes a prompt, returns its output and how it ended.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writePrivateFile } from '../base/private-file.ts'
import { runBounded } from '../base/run-bounded.ts'
import { readClaudeAnswer } from './claude-events.ts'

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

export interface ClaudeHome {
  readonly configDir: string
  readonly homeDir: string
  readonly projectDir: string
}

export type ClaudeHomes = ReturnType<typeof createClaudeHomes>

/** Separate homes for the tried clients: the user's own Claude Code is neither read nor written. */
export const createClaudeHomes = () => {
  const root = mkdtempSync(join(tmpdir(), 'nexus-claude-'))
  let count = 0
  return {
    /** A developer at their own machine, with this settings.json. Each call makes a new home. */
    add: (settings: string): ClaudeHome => {
      count += 1
      const homeDir = join(root, `developer-${count}`)
      const home = { homeDir, configDir: join(homeDir, '.claude'), projectDir: join(homeDir, 'project') }
      mkdirSync(home.configDir, { recursive: true, mode: 0o700 })
      mkdirSync(home.projectDir)
      writePrivateFile(join(home.configDir, 'settings.json'), settings)
      return home
    },
    // A client that has just been ended may still be writing its history.
    dispose: () => rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }),
  }
}
