// Compares the user's Claude Code settings with those for this machine. Pure.

import { z } from 'zod'
import { parseJsonOrNull } from '../base/json-record.ts'
import { isMeasuredName } from '../router/claude-model-name.ts'
import type { ClaudeSetting } from './claude-settings.ts'

export type SettingsReading =
  /** They point to another server, or to none. */
  | { readonly kind: 'other' }
  | { readonly kind: 'broken' }
  | { readonly kind: 'ours'; readonly differences: readonly SettingDifference[] }

export interface SettingDifference {
  readonly name: string
  /** null: not set. Never a key. */
  readonly found: string | null
  readonly ours: string
}

const SettingsSchema = z.object({
  env: z.record(z.string(), z.unknown()).optional(),
  permissions: z.object({ deny: z.array(z.string()).optional() }).optional(),
})

/** Secrets, and values that the user may choose. */
const notCompared = new Set(['ANTHROPIC_BASE_URL', 'ANTHROPIC_AUTH_TOKEN', 'permissions.deny'])

/** @param isHere whether a URL leads to this machine's Router */
export const readSettings = (
  text: string,
  expected: readonly ClaudeSetting[],
  isHere: (baseUrl: string) => boolean,
): SettingsReading => {
  const settings = SettingsSchema.safeParse(parseJsonOrNull(text))
  if (!settings.success) return { kind: 'broken' }
  const env = settings.data.env ?? {}
  const baseUrl = env['ANTHROPIC_BASE_URL']
  if (typeof baseUrl !== 'string' || !isHere(baseUrl)) return { kind: 'other' }
  const differences = expected.flatMap(({ name, value }): readonly SettingDifference[] => {
    if (notCompared.has(name) || typeof value !== 'string') return []
    const found = env[name]
    if (String(found ?? '') === value) return []
    if (isName(name) && typeof found === 'string' && isMeasuredName(found)) return []
    return [{ name, found: found === undefined ? null : String(found), ours: value }]
  })
  return { kind: 'ours', differences }
}

const isName = (name: string): boolean => name.endsWith('_MODEL')
