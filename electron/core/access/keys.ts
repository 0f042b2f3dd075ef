// This installation's secrets: created once, kept in 0600 files, passed by file or environment, never in argv.
import { chmodSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { readFileOrNull, writePrivateFile } from '../base/private-file.ts'
import { completeKeyList, defaultClientKey } from './developer-keys.ts'
import { clientKeysPath, makeDeveloperKey, makeSecret, updateKeyList } from './developer-keys-file.ts'

export type Keys = Readonly<ReturnType<typeof ensureKeys>>

/**
 * llama-server's key and its file, created if needed. Unlike `ensureKeys` this doesn't add the profile's own client key to the
 * list: a plan for the studio must not open the demo to a published key.
 */
export const ensureEngineKey = (keysDir: string): { readonly key: string; readonly path: string } => {
  const path = join(keysDir, 'engine.key')
  return { key: ensureKey(path, 'sk-engine-'), path }
}

/**
 * Reads the keys and creates missing ones. Idempotent. Throws an Error when the list of clients is invalid.
 * @param configuredClientKey the profile's key; null: only the developers' keys
 */
export const ensureKeys = (keysDir: string, configuredClientKey: string | null) => {
  const engine = ensureEngineKey(keysDir)
  const proofKey = ensureKey(join(keysDir, 'proof.key'), 'sk-proof-')
  const list = updateKeyList(keysDir, (before) =>
    completeKeyList(before, {
      ownKey: proofKey,
      configuredKey: configuredClientKey,
      makeKey: makeDeveloperKey,
      now: Date.now(),
    }),
  )
  keepPrivate(clientKeysPath(keysDir))
  return {
    /** For clients that belong to no particular developer; null when every developer's key was revoked. */
    clientKey: list === null ? null : defaultClientKey(list),
    /** For this core's own end-to-end message; an entry in the same list as the developers'. */
    proofKey,
    /** LiteLLM's admin key; only this core uses it. */
    masterKey: ensureKey(join(keysDir, 'master.key'), 'sk-master-'),
    /** Sent by LiteLLM and this core to llama-server. */
    engineKey: engine.key,
    /** `--api-key-file` of llama-server. */
    engineKeyPath: engine.path,
    /** The Router's list of clients, read by resources/opta_keys.py. */
    clientKeysPath: clientKeysPath(keysDir),
  }
}

const ensureKey = (path: string, prefix: string): string => {
  const existing = readFileOrNull(path)?.trim()
  if (existing !== undefined && existing !== '') {
    keepPrivate(path)
    return existing
  }
  const key = makeSecret(prefix)
  writePrivateFile(path, `${key}\n`)
  return key
}

/** Copying or restoring a key file may have made it readable by others. */
const keepPrivate = (path: string): void => {
  if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600)
}
