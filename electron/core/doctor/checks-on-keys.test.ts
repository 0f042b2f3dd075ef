import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { changeDeveloperKey } from '../access/developer-keys-file.ts'
import { ensureKeys } from '../access/keys.ts'
import {
  estimateKeyBits,
  type FolderFacts,
  judgeClientKeys,
  judgeFolders,
  judgeSecretFiles,
  readClientKeys,
} from './checks-on-keys.ts'

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

describe('folders', () => {
  const state = { path: '/home/ann/nexus', role: 'private', uid: 1000, mode: 0o40700 } as const
  const runtime = { path: '/opt/rt', role: 'runtime', uid: 0, mode: 0o40755 } as const
  const above = { path: '/tmp', role: 'above', uid: 0, mode: 0o41777 } as const

  const judge = (...folders: readonly FolderFacts[]) => judgeFolders(folders, '/home/ann/nexus', 1000)

  it('passes private state, a runtime of root and a sticky parent', () => {
    expect(judge(state, runtime, above)).toEqual({
      level: 'ok',
      found: '2 folders, none writable for other users',
      mend: null,
    })
  })

  it.each([
    ['other users may read it', { ...state, mode: 0o40755 }, 'warn', 'chmod 700 /home/ann/nexus'],
    ['everyone may write to it', { ...state, mode: 0o40777 }, 'fail', 'ls -ld /home/ann/nexus'],
    ['it is another user’s', { ...state, uid: 1001 }, 'fail', 'ls -ld /home/ann/nexus'],
    ['others can put programs into it', { ...runtime, mode: 0o40777 }, 'fail', 'chmod go-w /opt/rt'],
    ['folders in it can be replaced', { ...above, path: '/srv', mode: 0o40777 }, 'fail', 'chmod o-w /srv'],
  ] as const)('says it where %s', (_what, folder, level, mend) => {
    expect(judge(folder)).toMatchObject({ level, mend })
  })
})
