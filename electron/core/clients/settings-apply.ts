// Writes our settings into the user's settings.json of Claude Code, with a backup beside it, and removes them again.
import { mkdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { readRecord } from '../base/json-record.ts'
import { followLink, readFileOrNull, replacePrivateFile, writePrivateFile } from '../base/private-file.ts'
import type { ClaudeSetting } from './claude-settings.ts'
import {
  type Applied,
  AppliedSchema,
  mergeSettings,
  parseSettingsFile,
  type SettingsFile,
  unmergeSettings,
} from './settings-merge.ts'

interface Place {
  /** Claude Code's path; may be a link. */
  readonly path: string
  /** Records our changes. Contains a key, like the file itself. */
  readonly recordPath: string
}

/** Throws a one-sentence Error if the file is not a settings file or changed meanwhile. */
export const applySettings = (
  { path, recordPath }: Place,
  settings: readonly ClaudeSetting[],
  options: { readonly mayReplace: boolean },
) => {
  const real = followLink(path)
  const text = readFileOrNull(real)
  const record = readRecord(recordPath, AppliedSchema)
  const earlier = record?.path === real ? record : null
  const before = parseSettingsFile(real, text)
  const { file, lines, denied, conflicts } = mergeSettings(before, settings, earlier)
  // The user's own values conflict; nothing is written.
  if (conflicts.length > 0 && !options.mayReplace)
    return { kind: 'conflicts', path: real, names: conflicts } as const
  const next = render(file)
  if (next === text) return { kind: 'unchanged', path: real } as const
  // The file before our first change; null: there was none.
  const backupPath = text === null ? null : `${real}.before-opta-nexus`
  mkdirSync(dirname(real), { recursive: true, mode: 0o700 })
  if (backupPath !== null && text !== null && earlier === null) writePrivateFile(backupPath, text)
  const applied: Applied = { version: 1, path: real, lines, denied: [...denied] }
  // Write the record first: if we crash in between, undo skips recorded lines that are not in the file.
  writePrivateFile(recordPath, `${JSON.stringify(applied, null, 2)}\n`)
  replace(real, text, next)
  return { kind: 'written', path: real, backupPath, replaced: conflicts } as const
}

/** Throws like `applySettings`. */
export const undoSettings = (recordPath: string) => {
  const applied = readRecord(recordPath, AppliedSchema)
  if (applied === null) return { kind: 'nothing' } as const
  const { path } = applied
  const text = readFileOrNull(path)
  const { file, kept } = unmergeSettings(parseSettingsFile(path, text), applied)
  if (text !== null) {
    if (Object.keys(file).length === 0) rmSync(path)
    else replace(path, text, render(file))
  }
  rmSync(recordPath, { force: true })
  return { kind: 'undone', path, kept } as const
}

const render = (file: SettingsFile): string => `${JSON.stringify(file, null, 2)}\n`

const replace = (path: string, before: string | null, text: string): void => {
  if (!replacePrivateFile(path, before, text))
    throw new Error(`${path} changed at the same time, so it was not touched: run the command again`)
}
