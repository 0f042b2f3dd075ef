// Merges our lines into the user's settings.json of Claude Code, with a backup beside it, and removes them again, without losing
// the user's.
import { mkdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { withoutByteOrderMark } from '../base/byte-order-mark.ts'
import { messageOf } from '../base/error-message.ts'
import { readRecord } from '../base/json-record.ts'
import { followLink, readFileOrNull, replacePrivateFile, writePrivateFile } from '../base/private-file.ts'
import type { ClaudeSetting } from './claude-settings.ts'

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

/** Everything else in the file is the user's, and stays. */
const FileSchema = z.looseObject({
  env: z.record(z.string(), z.unknown()).optional(),
  permissions: z.looseObject({ deny: z.array(z.string()).optional() }).optional(),
})
type SettingsFile = z.infer<typeof FileSchema>

/** The changes of one application, for undo. `before` is absent where there was no value. */
const AppliedSchema = z.strictObject({
  version: z.literal(1),
  /** The file, links followed. */
  path: z.string(),
  lines: z.array(z.strictObject({ name: z.string(), before: z.unknown().optional(), after: z.unknown() })),
  denied: z.array(z.string()),
})
type Applied = z.infer<typeof AppliedSchema>

/** @param text the file's text; null: no file. Throws a one-sentence Error when it is not a settings file. */
const parseSettingsFile = (path: string, text: string | null): SettingsFile => {
  const bare = withoutByteOrderMark(text ?? '')
  if (bare.trim() === '') return {}
  let value: unknown
  try {
    value = JSON.parse(bare)
  } catch (error) {
    throw new Error(`${path} is not valid JSON, so it was not touched: ${messageOf(error)}`)
  }
  const file = FileSchema.safeParse(value)
  if (file.success) return file.data
  const issue = file.error.issues[0]
  throw new Error(`${path} was not touched: ${issue?.path.join('.') || 'the whole file'}: ${issue?.message}`)
}

/**
 * @param earlier the lines of an earlier application; null: none
 * @returns the file with our lines. `conflicts` names the user's values that were replaced
 */
const mergeSettings = (file: SettingsFile, settings: readonly ClaudeSetting[], earlier: Applied | null) => {
  const lines: Applied['lines'] = []
  const conflicts: string[] = []
  const denied: string[] = []
  let merged: SettingsFile = file
  // Remove lines of an earlier application that are no longer ours, unless the user changed them.
  for (const { name, before, after } of earlier?.lines ?? [])
    if (
      !settings.some((setting) => setting.name === name) &&
      isDeepStrictEqual(readLine(merged, name), after)
    )
      merged = writeLine(merged, name, before)
  for (const { name, value } of settings) {
    if (name === 'permissions.deny') {
      const wanted = typeof value === 'string' || 'command' in value ? [] : value
      const own = (merged.permissions?.deny ?? []).filter((tool) => earlier?.denied.includes(tool) !== true)
      denied.push(...wanted.filter((tool) => !own.includes(tool)))
      const deny = [...own, ...denied]
      if (deny.length > 0 || merged.permissions?.deny !== undefined)
        merged = { ...merged, permissions: { ...merged.permissions, deny } }
      continue
    }
    const found = readLine(merged, name)
    const old = earlier?.lines.find((line) => line.name === name)
    const isOurs = old !== undefined && isDeepStrictEqual(found, old.after)
    if (isDeepStrictEqual(found, value) && !isOurs) continue
    if (found !== undefined && !isOurs) conflicts.push(name)
    const before = isOurs ? old.before : found
    lines.push({ name, after: value, ...(before === undefined ? {} : { before }) })
    merged = writeLine(merged, name, value)
  }
  return { file: withoutEmptyEnv(merged), lines, denied, conflicts }
}

/** @returns the file without our lines. `kept` names lines that were changed since: those stay */
const unmergeSettings = (
  file: SettingsFile,
  applied: Applied,
): { readonly file: SettingsFile; readonly kept: readonly string[] } => {
  const kept: string[] = []
  let left: SettingsFile = file
  for (const { name, before, after } of applied.lines) {
    const found = readLine(left, name)
    if (isDeepStrictEqual(found, after)) left = writeLine(left, name, before)
    else if (found !== undefined) kept.push(name)
  }
  const deny = left.permissions?.deny?.filter((tool) => !applied.denied.includes(tool))
  if (deny !== undefined) {
    const { deny: _, ...others } = left.permissions ?? {}
    const permissions = deny.length === 0 ? others : { ...others, deny }
    left = { ...left, permissions }
    if (Object.keys(permissions).length === 0) delete left.permissions
  }
  return { file: withoutEmptyEnv(left), kept }
}

const readLine = (file: SettingsFile, name: string): unknown =>
  name === 'statusLine' ? file['statusLine'] : file.env?.[name]

/** undefined: removes the line. */
const writeLine = (file: SettingsFile, name: string, value: unknown): SettingsFile => {
  if (name === 'statusLine') {
    const { statusLine: _, ...others } = file
    return value === undefined ? others : { ...others, statusLine: value }
  }
  const { [name]: _, ...others } = file.env ?? {}
  return { ...file, env: value === undefined ? others : { ...file.env, [name]: value } }
}

const withoutEmptyEnv = (file: SettingsFile): SettingsFile => {
  const { env = {}, ...others } = file
  return Object.keys(env).length > 0 ? file : others
}
