// The seed's two variables, for each shell.
import { quoteForFish, quoteForPowershell, quoteForShell } from '../../wording/shell-quote.ts'

export const shellIds = ['bash', 'powershell', 'fish'] as const
export type ShellId = (typeof shellIds)[number]

const assignments: Readonly<Record<ShellId, (name: string, value: string) => string>> = {
  bash: (name, value) => `export ${name}=${quoteForShell(value)}`,
  powershell: (name, value) => `$env:${name} = ${quoteForPowershell(value)}`,
  fish: (name, value) => `set -gx ${name} ${quoteForFish(value)}`,
}

export const shellSnippet = (shell: ShellId, baseUrl: string, apiKey: string): string =>
  [assignments[shell]('ANTHROPIC_BASE_URL', baseUrl), assignments[shell]('ANTHROPIC_API_KEY', apiKey)].join(
    '\n',
  )

export const shellTitles: Readonly<Record<ShellId, string>> = {
  bash: 'bash or zsh (macOS, Linux)',
  powershell: 'PowerShell (Windows)',
  fish: 'fish',
}

const check = (command: string): string =>
  `Does it answer? ${command} prints "I'm alive!"; if it does not, nexus clients --test says what is wrong.`

export const shellNotes: Readonly<Record<ShellId, readonly string[]>> = {
  bash: [
    'For every new terminal: append both lines to ~/.zshrc (macOS) or ~/.bashrc (Linux).',
    check('curl -sS "$ANTHROPIC_BASE_URL"/health/liveliness'),
  ],
  powershell: [
    'For every new terminal: append both lines to the file that $PROFILE names.',
    check('curl.exe -sS "$env:ANTHROPIC_BASE_URL/health/liveliness"'),
    'A VS Code Remote SSH terminal runs on the Studio, in its shell: use the lines for bash or zsh there.',
  ],
  fish: [
    'For every new terminal: append both lines to ~/.config/fish/config.fish.',
    check('curl -sS "$ANTHROPIC_BASE_URL"/health/liveliness'),
  ],
}
