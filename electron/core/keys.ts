// Secrets of this installation: made once, kept in 0600 files, handed on by file or environment, never by argv.
import { randomBytes } from 'node:crypto'
import { chmodSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { readFileOrNull, writePrivateFile } from './private-file.ts'

export interface Keys {
  /** What clients send to the Router. */
  readonly clientKey: string
  /** LiteLLM's admin key; only this core uses it. */
  readonly masterKey: string
  /** What LiteLLM and this core send to llama-server. */
  readonly engineKey: string
  /** `--api-key-file` of llama-server. */
  readonly engineKeyPath: string
  /** The Router's list of clients, read by resources/opta_router.py. */
  readonly clientKeysPath: string
}

/**
 * Reads the keys, making those that do not exist yet. Idempotent.
 * @param configuredClientKey the profile's key; null makes one for this installation
 */
export const ensureKeys = (keysDir: string, configuredClientKey: string | null): Keys => {
  const engineKeyPath = join(keysDir, 'engine.key')
  const clientKeysPath = join(keysDir, 'clients.json')
  const clientKey = configuredClientKey ?? ensureKey(join(keysDir, 'client.key'), 'sk-opta-')
  const clients = `${JSON.stringify({ keys: [{ name: 'local', key: clientKey }] }, null, 2)}\n`
  if (readFileOrNull(clientKeysPath) === clients) keepPrivate(clientKeysPath)
  else writePrivateFile(clientKeysPath, clients)
  return {
    clientKey,
    masterKey: ensureKey(join(keysDir, 'master.key'), 'sk-master-'),
    engineKey: ensureKey(engineKeyPath, 'sk-engine-'),
    engineKeyPath,
    clientKeysPath,
  }
}

const ensureKey = (path: string, prefix: string): string => {
  const existing = readFileOrNull(path)?.trim()
  if (existing !== undefined && existing !== '') {
    keepPrivate(path)
    return existing
  }
  // 192 bits: beyond guessing, and short enough to paste.
  const key = prefix + randomBytes(24).toString('base64url')
  writePrivateFile(path, `${key}\n`)
  return key
}

/** Copied or restored from a backup, a key file may have become readable for others. */
const keepPrivate = (path: string): void => {
  if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600)
}
