// The keys: made once, private, and the same ever after.
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ensureKeys } from './keys.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nexus-keys-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const clients = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'))

describe('ensureKeys', () => {
  it('makes three keys of their own, each hard to guess', () => {
    const keys = ensureKeys(folder, null)
    const made = [keys.clientKey, keys.masterKey, keys.engineKey]
    expect(new Set(made).size).toBe(3)
    expect(keys.clientKey).toMatch(/^sk-opta-[\w-]{32}$/)
    expect(keys.masterKey).toMatch(/^sk-master-[\w-]{32}$/)
    expect(keys.engineKey).toMatch(/^sk-engine-[\w-]{32}$/)
    expect(ensureKeys(mkdtempSync(join(folder, 'other-')), null).engineKey).not.toBe(keys.engineKey)
  })

  it('keeps them in files for their owner alone', () => {
    ensureKeys(folder, null)
    const names = readdirSync(folder)
    expect(names.sort()).toEqual(['client.key', 'clients.json', 'engine.key', 'master.key'])
    for (const name of names) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600)
  })

  it('is stable, and touches nothing the second time', () => {
    const keys = ensureKeys(folder, null)
    const inodes = readdirSync(folder).map((name) => statSync(join(folder, name)).ino)
    expect(ensureKeys(folder, null)).toEqual(keys)
    expect(readdirSync(folder).map((name) => statSync(join(folder, name)).ino)).toEqual(inodes)
  })

  it('takes the profile’s client key, lists it for the Router, and forgets it with the profile', () => {
    const own = ensureKeys(folder, null)
    const configured = ensureKeys(folder, 'sk-local-opta')
    expect(configured.clientKey).toBe('sk-local-opta')
    expect(configured.engineKey).toBe(own.engineKey)
    expect(clients(configured.clientKeysPath)).toEqual({ keys: [{ name: 'local', key: 'sk-local-opta' }] })
    expect(clients(ensureKeys(folder, null).clientKeysPath)).toEqual({
      keys: [{ name: 'local', key: own.clientKey }],
    })
  })

  it('gives llama-server a file with exactly the key', () => {
    const keys = ensureKeys(folder, null)
    expect(readFileSync(keys.engineKeyPath, 'utf8')).toBe(`${keys.engineKey}\n`)
  })

  it('makes a key anew that is empty, and takes one back from others', () => {
    writeFileSync(join(folder, 'engine.key'), '\n')
    writeFileSync(join(folder, 'master.key'), 'sk-master-mine\n')
    chmodSync(join(folder, 'master.key'), 0o644)
    const keys = ensureKeys(folder, null)
    expect(keys.engineKey).toMatch(/^sk-engine-/)
    expect(keys.masterKey).toBe('sk-master-mine')
    expect(statSync(join(folder, 'master.key')).mode & 0o777).toBe(0o600)
  })

  it('takes the list of clients back from others too', () => {
    const { clientKeysPath } = ensureKeys(folder, null)
    chmodSync(clientKeysPath, 0o644)
    ensureKeys(folder, null)
    expect(statSync(clientKeysPath).mode & 0o777).toBe(0o600)
  })
})
