// Merges our lines into the user's settings.json of Claude Code and removes them again, without losing the user's. Pure.
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { withoutByteOrderMark } from '../base/byte-order-mark.ts'
import { messageOf } from '../base/error-message.ts'
import type { ClaudeSetting } from './claude-settings.ts'

/** Everything else in the file is the user's, and stays. */
const FileSchema = z.looseObject({
  env: z.record(z.string(), z.unknown()).optional(),
  permissions: z.looseObject({ deny: z.array(z.string()).optional() }).optional(),
})
export type SettingsFile = z.infer<typeof FileSchema>

/** The changes of one application, for undo. `before` is absent where there was no value. */
export const AppliedSchema = z.strictObject({
  version: z.literal(1),
  /** The file, links followed. */
  path: z.string(),
  lines: z.array(z.strictObject({ name: z.string(), before: z.unknown().optional(), after: z.unknown() })),
  denied: z.array(z.string()),
})
export type Applied = z.infer<typeof AppliedSchema>

/** @param text the file's text; null: no file. Throws a one-sentence Error when it is not a settings file. */
export const parseSettingsFile = (path: string, text: string | null): SettingsFile => {
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
export const mergeSettings = (
  file: SettingsFile,
  settings: readonly ClaudeSetting[],
  earlier: Applied | null,
) => {
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
export const unmergeSettings = (
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
