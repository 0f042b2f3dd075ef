// What Claude Code runs to show the stack under the prompt: one small request to the Router, by the system's own programs.

/** `statusLine` of settings.json (code.claude.com/docs/en/statusline). */
export interface StatusLine {
  readonly type: 'command'
  readonly command: string
  /** Seconds between two runs while nothing happens in the conversation: slots and queue change all the same. */
  readonly refreshInterval: number
}

const refreshSeconds = 5
/** resources/opta_status.py answers there. */
const address = '$ANTHROPIC_BASE_URL/opta/status?session='
/** curl's `-m`. A status line that hangs is worse than none. */
const mostSeconds = 1

/**
 * For sh (macOS, Linux, Git Bash). The variables are those of the same file, which Claude Code gives to what it starts.
 * The key goes to curl on stdin (`-K -`), never onto its command line, which others may read; printf is the shell's own.
 */
const shCommand = [
  `s=$(sed -n 's/.*"session_id" *: *"\\([A-Za-z0-9-]*\\)".*/\\1/p' | head -n 1)`,
  `printf 'header = "authorization: Bearer %s"\\n' "$ANTHROPIC_AUTH_TOKEN" | curl -sf -m ${mostSeconds} -K - "${address}$s" 2>/dev/null || true`,
].join('; ')

/** Windows PowerShell 5 and later; not run on Windows here. curl.exe belongs to Windows 10 and later. */
const powershellScript = [
  '$s = ([Console]::In.ReadToEnd() | ConvertFrom-Json).session_id',
  `'header = "authorization: Bearer ' + $env:ANTHROPIC_AUTH_TOKEN + '"' | curl.exe -sf -m ${mostSeconds} -K - "$env:ANTHROPIC_BASE_URL/opta/status?session=$s"`,
  'exit 0',
].join('; ')

/** Encoded, so that neither Git Bash nor cmd, either of which Claude Code may run it with, touches a quote or a dollar sign. */
const powershellCommand = `powershell.exe -NoProfile -NonInteractive -EncodedCommand ${Buffer.from(powershellScript, 'utf16le').toString('base64')}`

export const statusLine = (system: 'unix' | 'windows'): StatusLine => ({
  type: 'command',
  command: system === 'unix' ? shCommand : powershellCommand,
  refreshInterval: refreshSeconds,
})
