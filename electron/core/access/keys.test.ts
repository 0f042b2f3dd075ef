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
  it('makes keys of their own, each hard to guess', () => {
    const keys = ensureKeys(folder, null)
    const made = [keys.clientKey, keys.proofKey, keys.masterKey, keys.engineKey]
    expect(new Set(made).size).toBe(4)
    expect(keys.clientKey).toMatch(/^sk-opta-[\w-]{32}$/)
    expect(keys.proofKey).toMatch(/^sk-proof-[\w-]{32}$/)
    expect(keys.masterKey).toMatch(/^sk-master-[\w-]{32}$/)
    expect(keys.engineKey).toMatch(/^sk-engine-[\w-]{32}$/)
    expect(ensureKeys(mkdtempSync(join(folder, 'other-')), null).engineKey).not.toBe(keys.engineKey)
  })

  it('keeps them in files for their owner alone', () => {
    ensureKeys(folder, null)
    const names = readdirSync(folder)
    expect(names.sort()).toEqual(['clients.json', 'engine.key', 'master.key', 'proof.key'])
    for (const name of names) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600)
  })

  it('is stable, and touches nothing the second time', () => {
    const keys = ensureKeys(folder, null)
    const inodes = readdirSync(folder).map((name) => statSync(join(folder, name)).ino)
    expect(ensureKeys(folder, null)).toEqual(keys)
    expect(readdirSync(folder).map((name) => statSync(join(folder, name)).ino)).toEqual(inodes)
  })

  it('leaves a list alone that says the same in other words', () => {
    const { clientKeysPath } = ensureKeys(folder, null)
    const compact = JSON.stringify(clients(clientKeysPath))
    writeFileSync(clientKeysPath, compact)
    ensureKeys(folder, null)
    expect(readFileSync(clientKeysPath, 'utf8')).toBe(compact)
  })

  it('takes the profile’s client key, lists it for the Router, and forgets it with the profile', () => {
    const own = ensureKeys(folder, null)
    const configured = ensureKeys(folder, 'sk-local-opta')
    expect(configured.clientKey).toBe('sk-local-opta')
    expect(configured.engineKey).toBe(own.engineKey)
    expect(clients(configured.clientKeysPath)).toMatchObject({
      keys: [
        { name: 'user1', key: own.clientKey },
        { name: 'user2' },
        { name: 'shared', key: 'sk-local-opta' },
        { name: 'opta-nexus', key: own.proofKey },
      ],
    })
    expect(ensureKeys(folder, null)).toEqual(own)
    expect(JSON.stringify(clients(own.clientKeysPath))).not.toContain('sk-local-opta')
  })

  it('says which list is broken, loses nothing of it and quotes nothing', () => {
    const path = join(folder, 'clients.json')
    writeFileSync(path, '{"keys":[{"name":"anna","key":"sk-secret"', { mode: 0o600 })
    expect(() => ensureKeys(folder, null)).toThrow(`${path} is not a list of keys`)
    expect(() => ensureKeys(folder, null)).not.toThrow('sk-secret')
    expect(readFileSync(path, 'utf8')).toContain('sk-secret')
  })

  it('gives llama-server a file with exactly the key', () => {
    const keys = ensureKeys(folder, null)
    expect(readFileSync(keys.engineKeyPath, 'utf8')).toBe(`${keys.engineKey}\n`)
  })

  it('replaces an empty key, and makes a readable one private again', () => {
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
