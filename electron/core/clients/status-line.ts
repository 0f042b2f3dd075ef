// The command that Claude Code runs to show the stack under the prompt: one small request to the Router, with system programs.

/** `statusLine` of settings.json (code.claude.com/docs/en/statusline). */
export interface StatusLine {
  readonly type: 'command'
  readonly command: string
  /** Seconds between runs while the conversation is idle, because slots and queue still change. */
  readonly refreshInterval: number
}

const refreshSeconds = 5
/** resources/opta_status.py answers there. */
const address = '$ANTHROPIC_BASE_URL/opta/status?session='
/** curl's `-m`. A hanging status line is worse than none. */
const mostSeconds = 1

/**
 * For sh (macOS, Linux, Git Bash). The variables come from the same file; Claude Code passes them to its children.
 * The key goes to curl on stdin (`-K -`), not on its command line, which others can read; printf is a shell builtin.
 */
const shCommand = [
  `s=$(sed -n 's/.*"session_id" *: *"\\([A-Za-z0-9-]*\\)".*/\\1/p' | head -n 1)`,
  `printf 'header = "authorization: Bearer %s"\\n' "$ANTHROPIC_AUTH_TOKEN" | curl -sf -m ${mostSeconds} -K - "${address}$s" 2>/dev/null || true`,
].join('; ')

/**
 * Windows PowerShell 5 and later; not tested on Windows. curl.exe is part of Windows 10 and later. `[Console]::In`, because
 * PowerShell reads stdin itself only for a script that names `$input` (PowerShell's ConsoleHost.cs, IsUsingDollarInput).
 */
const powershellScript = [
  '$s = ([Console]::In.ReadToEnd() | ConvertFrom-Json).session_id',
  `'header = "authorization: Bearer ' + $env:ANTHROPIC_AUTH_TOKEN + '"' | curl.exe -sf -m ${mostSeconds} -K '-' "$env:ANTHROPIC_BASE_URL/opta/status?session=$s"`,
  'exit 0',
].join('; ')

/** Encoded, because Claude Code may run it with Git Bash or cmd, which would interpret quotes and dollar signs. */
const powershellCommand = `powershell.exe -NoProfile -NonInteractive -EncodedCommand ${Buffer.from(powershellScript, 'utf16le').toString('base64')}`

export const statusLine = (system: 'unix' | 'windows'): StatusLine => ({
  type: 'command',
  command: system === 'unix' ? shCommand : powershellCommand,
  refreshInterval: refreshSeconds,
})
