// The variables that Claude Code sees here: the shell's, overridden by `env` in its settings files.
import { join } from 'node:path'
import { z } from 'zod'
import { parseJsonOrNull } from '../base/json-record.ts'

const SettingsSchema = z.object({ env: z.record(z.string(), z.unknown()) })

/**
 * Looks up a variable. A settings file overrides the shell (anthropics/claude-code#46889); the project's local file comes first,
 * then the project's, then the user's, in CLAUDE_CONFIG_DIR if set (code.claude.com/docs/en/settings). Managed settings are not
 * read. Like Claude Code, ignores a file that is not valid JSON.
 */
export const readClaudeEnvironment = ({
  env,
  projectDir,
  homeDir,
  readText,
}: {
  readonly env: Readonly<Record<string, string | undefined>>
  /** The project in which Claude Code would start. */
  readonly projectDir: string
  readonly homeDir: string
  /** null: missing or unreadable. */
  readonly readText: (path: string) => string | null
}) => {
  const paths = [
    join(projectDir, '.claude', 'settings.local.json'),
    join(projectDir, '.claude', 'settings.json'),
    join(env['CLAUDE_CONFIG_DIR'] || join(homeDir, '.claude'), 'settings.json'),
  ]
  const files = paths.map((path) => ({ path, values: parseEnv(readText(path)) }))
  return (name: string) => {
    const file = files.find(({ values }) => typeof values[name] === 'string')
    const value = file?.values[name] ?? env[name]
    if (typeof value !== 'string' || value === '') return null
    // `source` is for a person.
    return { value, source: file?.path ?? 'the environment' }
  }
}

const parseEnv = (text: string | null): Readonly<Record<string, unknown>> => {
  const settings = SettingsSchema.safeParse(text === null ? null : parseJsonOrNull(text))
  return settings.success ? settings.data.env : {}
}
