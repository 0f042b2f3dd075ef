// The developers' keys on disk: keys/clients.json, 0600, replaced whole; a running Router reads it again by itself.
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Command, Outcome } from '../contract.ts'
import { changeKeyList, type KeyList, KeyListSchema } from './developer-keys.ts'
import { parseJsonOrNull } from './json-record.ts'
import { readFileOrNull, writePrivateFile } from './private-file.ts'

export const clientKeysPath = (keysDir: string): string => join(keysDir, 'clients.json')

/** null when there is none yet. Throws an Error that says what is wrong with it, without quoting it. */
export const readKeyList = (keysDir: string): KeyList | null => {
  const path = clientKeysPath(keysDir)
  const text = readFileOrNull(path)
  if (text === null) return null
  const parsed = KeyListSchema.safeParse(parseJsonOrNull(text))
  if (parsed.success) return parsed.data
  throw new Error(
    `${path} is not a list of keys, so nobody gets in: restore it, or move it away and nexus up makes a new one`,
  )
}

export const writeKeyList = (keysDir: string, list: KeyList): void => {
  const text = `${JSON.stringify(list, null, 2)}\n`
  const path = clientKeysPath(keysDir)
  if (readFileOrNull(path) !== text) writePrivateFile(path, text)
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
  const list = readKeyList(keysDir)
  if (list === null) return { accepted: false, reason: 'there are no keys yet: nexus up makes them' }
  const change = changeKeyList(list, command, { makeKey: makeDeveloperKey, now: Date.now() })
  if (change.kind === 'refused') return { accepted: false, reason: change.reason }
  writeKeyList(keysDir, change.list)
  return { accepted: true }
}
