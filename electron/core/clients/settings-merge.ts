// Our lines in a person's own settings.json of Claude Code: put in, and taken out again, without losing theirs. Pure.
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { withoutByteOrderMark } from '../base/byte-order-mark.ts'
import { messageOf } from '../base/error-message.ts'
import type { ClaudeSetting } from './claude-settings.ts'

/** Whatever else the file says is a person's, and stays. */
const FileSchema = z.looseObject({
  env: z.record(z.string(), z.unknown()).optional(),
  permissions: z.looseObject({ deny: z.array(z.string()).optional() }).optional(),
})
export type SettingsFile = z.infer<typeof FileSchema>

/** What one application changed, so that it can be undone. `before` is absent where there was nothing. */
export const AppliedSchema = z.strictObject({
  version: z.literal(1),
  /** The file, links followed. */
  path: z.string(),
  lines: z.array(z.strictObject({ name: z.string(), before: z.unknown().optional(), after: z.unknown() })),
  denied: z.array(z.string()),
})
export type Applied = z.infer<typeof AppliedSchema>

export interface Merge {
  readonly file: SettingsFile
  readonly lines: Applied['lines']
  readonly denied: readonly string[]
  /** Names whose own value of the person's differs from ours. */
  readonly conflicts: readonly string[]
}

/** @param text of the file; null: there is none. Throws an Error with one sentence when it cannot be read as settings. */
export const parseSettingsFile = (path: string, text: string | null): SettingsFile => {
  const bare = withoutByteOrderMark(text ?? '')
  if (bare.trim() === '') return {}
  let value: unknown
  try {
    value = JSON.parse(bare)
  } catch (error) {
    throw new Error(`${path} is not JSON, and is left as it is: ${messageOf(error)}`)
  }
  const file = FileSchema.safeParse(value)
  if (file.success) return file.data
  const issue = file.error.issues[0]
  throw new Error(`${path} is left as it is: ${issue?.path.join('.') || 'the whole'}: ${issue?.message}`)
}

/**
 * @param earlier what we put in before, which is no person's; null: nothing
 * @returns the file with all of ours in it. `conflicts` names what of the person's own was replaced in that
 */
export const mergeSettings = (
  file: SettingsFile,
  settings: readonly ClaudeSetting[],
  earlier: Applied | null,
): Merge => {
  const env: Record<string, unknown> = { ...file.env }
  const lines: Applied['lines'] = []
  const conflicts: string[] = []
  const denied: string[] = []
  let merged: SettingsFile = file
  // What an earlier application put in and this one does not have any more goes, where it still is as we left it.
  const names = new Set(settings.map(({ name }) => name))
  for (const old of earlier?.lines ?? [])
    if (!names.has(old.name) && isDeepStrictEqual(readLine({ ...merged, env }, old.name), old.after))
      merged = writeLine(merged, env, old.name, old.before)
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
    const found = readLine({ ...merged, env }, name)
    const old = earlier?.lines.find((line) => line.name === name)
    const isOurs = old !== undefined && isDeepStrictEqual(found, old.after)
    if (isDeepStrictEqual(found, value) && !isOurs) continue
    if (found !== undefined && !isOurs) conflicts.push(name)
    const before = isOurs ? old.before : found
    lines.push({ name, after: value, ...(before === undefined ? {} : { before }) })
    merged = writeLine(merged, env, name, value)
  }
  return { file: withEnv(merged, env), lines, denied, conflicts }
}

/** @returns the file without ours. `kept` names lines that somebody changed since: those stay as they are */
export const unmergeSettings = (
  file: SettingsFile,
  applied: Applied,
): { readonly file: SettingsFile; readonly kept: readonly string[] } => {
  const env: Record<string, unknown> = { ...file.env }
  const kept: string[] = []
  let left: SettingsFile = file
  for (const { name, before, after } of applied.lines) {
    const found = readLine({ ...left, env }, name)
    if (isDeepStrictEqual(found, after)) left = writeLine(left, env, name, before)
    else if (found !== undefined) kept.push(name)
  }
  const deny = left.permissions?.deny?.filter((tool) => !applied.denied.includes(tool))
  if (deny !== undefined) {
    const { deny: _, ...others } = left.permissions ?? {}
    const permissions = deny.length === 0 ? others : { ...others, deny }
    left = { ...left, permissions }
    if (Object.keys(permissions).length === 0) delete left.permissions
  }
  return { file: withEnv(left, env), kept }
}

const readLine = (file: SettingsFile, name: string): unknown =>
  name === 'statusLine' ? file['statusLine'] : file.env?.[name]

/** `env` is changed in place. undefined: the line goes. */
const writeLine = (
  file: SettingsFile,
  env: Record<string, unknown>,
  name: string,
  value: unknown,
): SettingsFile => {
  if (name !== 'statusLine') {
    if (value === undefined) delete env[name]
    else env[name] = value
    return file
  }
  const { statusLine: _, ...others } = file
  return value === undefined ? others : { ...others, statusLine: value }
}

/** In its place, where the file has one. */
const withEnv = (file: SettingsFile, env: Record<string, unknown>): SettingsFile => {
  if (Object.keys(env).length > 0) return { ...file, env }
  const { env: _, ...others } = file
  return others
}
