import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { changeDeveloperKey } from '../access/developer-keys-file.ts'
import { ensureKeys } from '../access/keys.ts'
import { estimateKeyBits, judgeClientKeys, judgeSecretFiles, readClientKeys } from './checks-on-keys.ts'

const file = (mode: number, uid = 501) => ({ path: '/k/a key', mode: 0o100000 | mode, uid })

describe('judgeSecretFiles', () => {
  it("passes this user's private files", () => {
    expect(judgeSecretFiles([file(0o600), file(0o400)], 501).level).toBe('ok')
    expect(judgeSecretFiles([], 501).level).toBe('ok')
  })

  it.each([0o644, 0o640, 0o604, 0o622])('fails mode %o', (mode) => {
    expect(judgeSecretFiles([file(0o600), file(mode)], 501)).toMatchObject({
      level: 'fail',
      mend: "chmod 600 '/k/a key'",
    })
  })

  it("fails another user's file", () => {
    expect(judgeSecretFiles([file(0o600, 0)], 501)).toMatchObject({
      level: 'fail',
      mend: "sudo chown 501 '/k/a key'",
    })
  })
})

describe('judgeClientKeys', () => {
  const facts = { keys: ['sk-opta-N2VxHd0c7QzVbB3mWw9Yt4Kq'], isOpenToNetwork: true, mend: 'x' }

  it('passes a generated key, and no keys', () => {
    expect(judgeClientKeys(facts).level).toBe('ok')
    expect(judgeClientKeys({ ...facts, keys: [] }).level).toBe('ok')
  })

  it('warns of the published key among good ones', () => {
    const published = judgeClientKeys({ ...facts, keys: [...facts.keys, 'sk-local-opta'] })
    expect(published).toMatchObject({
      level: 'warn',
      mend: 'x',
      found: expect.stringContaining('on the network'),
    })
  })

  it.each(['password', 'aaaaaaaaaaaaaaaaaaaaaaaa', 'sk-local-1234', '12345678'])('warns of %s', (key) => {
    expect(judgeClientKeys({ ...facts, keys: [key] })).toMatchObject({
      level: 'warn',
      found: expect.stringContaining('can be guessed'),
    })
  })

  it('is unknown when the list cannot be read', () => {
    expect(judgeClientKeys({ ...facts, keys: null }).level).toBe('unknown')
  })

  it('never prints the key', () => {
    expect(JSON.stringify(judgeClientKeys(facts))).not.toContain(facts.keys[0])
  })
})

describe('estimateKeyBits', () => {
  it('ignores the prefix', () => {
    expect(estimateKeyBits('sk-local-aaaa')).toBe(0)
    expect(estimateKeyBits('abcdefghabcdefgh')).toBe(48)
  })
})

describe('readClientKeys', () => {
  it("reads the Router's keys and the profile's", () => {
    const dir = mkdtempSync(join(tmpdir(), 'nexus-doctor-keys-'))
    try {
      const path = join(dir, 'clients.json')
      expect(readClientKeys(path, null)).toEqual([])
      ensureKeys(dir, null)
      const made = readClientKeys(path, null)
      expect(made).toHaveLength(3)
      expect(readClientKeys(path, 'sk-local-opta')).toEqual(['sk-local-opta', ...(made ?? [])])
      expect(judgeClientKeys({ keys: made, isOpenToNetwork: true, mend: 'x' }).level).toBe('ok')
      ensureKeys(dir, 'sk-local-opta')
      changeDeveloperKey(dir, { action: 'rotate', developer: 'shared' })
      expect(readClientKeys(path, 'sk-local-opta')).not.toContain('sk-local-opta')
      writeFileSync(path, '{"keys":[{"name":"x"}]}')
      expect(readClientKeys(path, null)).toBeNull()
      writeFileSync(path, 'garbage')
      expect(readClientKeys(path, null)).toBeNull()
    } finally {
      rmSync(dir, { recursive: true, force: true })
    }
  })
})
