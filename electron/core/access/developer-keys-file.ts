// The developers' keys on disk: keys/clients.json, 0600, replaced whole; a running Router reads it again by itself.
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Command, Outcome } from '../../contract/command.ts'
import { parseJsonOrNull } from '../base/json-record.ts'
import { followLink, readFileOrNull, replacePrivateFile } from '../base/private-file.ts'
import { changeKeyList, type KeyChange, type KeyList, KeyListSchema } from './developer-keys.ts'

export const clientKeysPath = (keysDir: string): string => join(keysDir, 'clients.json')

/** null when there is none yet. Throws an Error that says what is wrong with it, without quoting it. */
export const readKeyList = (keysDir: string): KeyList | null => {
  const path = clientKeysPath(keysDir)
  return parseKeyList(path, readFileOrNull(path))
}

const parseKeyList = (path: string, text: string | null): KeyList | null => {
  if (text === null) return null
  const parsed = KeyListSchema.safeParse(parseJsonOrNull(text))
  if (parsed.success) return parsed.data
  throw new Error(
    `${path} is not a list of keys, so nobody gets in: restore it, or move it away and nexus up makes a new one`,
  )
}

/** Each has to lose against another process that writes in the same few microseconds. */
const mostAttempts = 100

/**
 * Replaces the list by what `change` makes of it; null from `change`: it stays. Another process may write it meanwhile: then
 * `change` is asked again, about the new list, so that what was revoked there does not come back. Answers the list that stands.
 */
export const updateKeyList = (
  keysDir: string,
  change: (list: KeyList | null) => KeyList | null,
): KeyList | null => {
  const path = clientKeysPath(keysDir)
  for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
    const before = readFileOrNull(path)
    const list = parseKeyList(path, before)
    const next = change(list)
    if (next === null || isDeepStrictEqual(next, list)) return list
    if (replacePrivateFile(followLink(path), before, `${JSON.stringify(next, null, 2)}\n`)) return next
  }
  throw new Error(`${path} is being written by another program all the time`)
}

/** 192 bits: beyond guessing, and short enough to paste. */
export const makeSecret = (prefix: string): string => prefix + randomBytes(24).toString('base64url')

export const makeDeveloperKey = (): string => makeSecret('sk-opta-')

/** Why keys cannot be changed under a LiteLLM configuration that does not read our list. */
export const ownConfigReason =
  'this profile has a LiteLLM configuration of its own (proxy.configPath): who gets in is decided there'

/** Carries out a `key` command; the Router takes or refuses the key from its next request on. */
export const changeDeveloperKey = (
  keysDir: string,
  command: Pick<Extract<Command, { type: 'key' }>, 'action' | 'developer'>,
): Outcome => {
  let outcome: Outcome = { accepted: true }
  updateKeyList(keysDir, (list) => {
    const change = changeOrRefuse(list, command)
    outcome = change.kind === 'refused' ? { accepted: false, reason: change.reason } : { accepted: true }
    return change.kind === 'refused' ? null : change.list
  })
  return outcome
}

const changeOrRefuse = (list: KeyList | null, command: Parameters<typeof changeKeyList>[1]): KeyChange =>
  list === null
    ? { kind: 'refused', reason: 'there are no keys yet: nexus up makes them' }
    : changeKeyList(list, command, { makeKey: makeDeveloperKey, now: Date.now() })
