// The variables that Claude Code has here: the shell's, replaced by the `env` of its settings files.
import { join } from 'node:path'
import { z } from 'zod'
import { parseJsonOrNull } from '../base/json-record.ts'

export interface ClaudeVariable {
  readonly value: string
  /** For a person: `the environment`, or the file's path. */
  readonly source: string
}

export interface ClaudeSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  /** The project that Claude Code would be started in. */
  readonly projectDir: string
  readonly homeDir: string
  /** null: no such file, or none that may be read. */
  readonly readText: (path: string) => string | null
}

const SettingsSchema = z.object({ env: z.record(z.string(), z.unknown()) })

/**
 * Looks a variable up. A settings file's value replaces the shell's (anthropics/claude-code#46889); of the files the
 * project's own local one counts most, then the project's, then the user's, in CLAUDE_CONFIG_DIR where that is set
 * (code.claude.com/docs/en/settings). What an organisation prescribes is not read. A file that is no JSON is ignored,
 * as Claude Code does.
 */
export const readClaudeEnvironment = ({
  env,
  projectDir,
  homeDir,
  readText,
}: ClaudeSurroundings): ((name: string) => ClaudeVariable | null) => {
  const paths = [
    join(projectDir, '.claude', 'settings.local.json'),
    join(projectDir, '.claude', 'settings.json'),
    join(env['CLAUDE_CONFIG_DIR'] || join(homeDir, '.claude'), 'settings.json'),
  ]
  const files = paths.map((path) => ({ path, values: parseEnv(readText(path)) }))
  return (name) => {
    const file = files.find(({ values }) => typeof values[name] === 'string')
    const value = file?.values[name] ?? env[name]
    if (typeof value !== 'string' || value === '') return null
    return { value, source: file?.path ?? 'the environment' }
  }
}

const parseEnv = (text: string | null): Readonly<Record<string, unknown>> => {
  const settings = SettingsSchema.safeParse(text === null ? null : parseJsonOrNull(text))
  return settings.success ? settings.data.env : {}
}
