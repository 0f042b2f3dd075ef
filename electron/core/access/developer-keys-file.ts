// The developers' keys on disk: keys/clients.json, 0600, replaced atomically; a running Router rereads it.
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Command, Outcome } from '../../contract/command.ts'
import { parseJsonOrNull } from '../base/json-record.ts'
import { followLink, readFileOrNull, replacePrivateFile } from '../base/private-file.ts'
import { changeKeyList, type KeyChange, type KeyList, KeyListSchema } from './developer-keys.ts'

export const clientKeysPath = (keysDir: string): string => join(keysDir, 'clients.json')

/** null when there is none yet. Throws an Error that explains the problem without quoting the file. */
export const readKeyList = (keysDir: string): KeyList | null => {
  const path = clientKeysPath(keysDir)
  return parseKeyList(path, readFileOrNull(path))
}

const parseKeyList = (path: string, text: string | null): KeyList | null => {
  if (text === null) return null
  const parsed = KeyListSchema.safeParse(parseJsonOrNull(text))
  if (parsed.success) return parsed.data
  throw new Error(
    `${path} is not a list of keys, so every client is refused: restore it, or move it away and nexus up creates a new one`,
  )
}

/** An attempt fails only when another process writes within the same few microseconds. */
const mostAttempts = 100

/**
 * Replaces the list by the result of `change`; null from `change` keeps it. If another process writes it in the meantime,
 * calls `change` again with the new list, so a key revoked there doesn't come back. Returns the current list.
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
  throw new Error(`${path} is constantly being written by another program`)
}

/** 192 bits: impossible to guess, short enough to paste. */
export const makeSecret = (prefix: string): string => prefix + randomBytes(24).toString('base64url')

export const makeDeveloperKey = (): string => makeSecret('sk-opta-')

/** Why keys can't be changed with a LiteLLM configuration that doesn't read our list. */
export const ownConfigReason =
  'this profile has its own LiteLLM configuration (proxy.configPath), which decides who has access'

/** Executes a `key` command; it takes effect with the next request to the Router. */
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
    ? { kind: 'refused', reason: 'there are no keys yet: nexus up creates them' }
    : changeKeyList(list, command, { makeKey: makeDeveloperKey, now: Date.now() })
