// The list of keys on disk, when two processes write it.
import { lstatSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { completeKeyList } from './developer-keys.ts'
import { changeDeveloperKey, readKeyList, updateKeyList } from './developer-keys-file.ts'
import { ensureKeys } from './keys.ts'

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nexus-key-list-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

const names = () => readKeyList(dir)?.keys.map(({ name }) => name)
const complete = (list: Parameters<typeof completeKeyList>[0]) =>
  completeKeyList(list, {
    ownKey: 'sk-proof-other',
    configuredKey: null,
    makeKey: () => 'sk-opta-made',
    now: 1,
  })

it('does not bring back a key that was revoked while the list was being completed', () => {
  ensureKeys(dir, null)
  let attempts = 0
  updateKeyList(dir, (list) => {
    attempts += 1
    if (attempts === 1)
      expect(changeDeveloperKey(dir, { action: 'revoke', developer: 'user1' })).toEqual({ accepted: true })
    return complete(list)
  })
  expect(attempts).toBe(2)
  expect(names()).toEqual(['user2', 'opta-nexus'])
  expect(readKeyList(dir)?.keys.at(-1)?.key).toBe('sk-proof-other')
})

it('is written through a link, which stays one', () => {
  ensureKeys(dir, null)
  const path = join(dir, 'clients.json')
  const real = join(dir, 'kept-elsewhere.json')
  renameSync(path, real)
  symlinkSync(real, path)
  expect(changeDeveloperKey(dir, { action: 'revoke', developer: 'user1' })).toEqual({ accepted: true })
  expect(lstatSync(path).isSymbolicLink()).toBe(true)
  expect(names()).not.toContain('user1')
  expect(readFileSync(real, 'utf8')).not.toContain('user1')
})

it('keeps a concurrent change when it has nothing to change itself', () => {
  ensureKeys(dir, null)
  updateKeyList(dir, (list) => {
    changeDeveloperKey(dir, { action: 'create', developer: 'ann' })
    return list
  })
  expect(names()).toEqual(['user1', 'user2', 'opta-nexus', 'ann'])
})

it('keeps the list of a concurrent first start, and leaves no temporary file', () => {
  updateKeyList(dir, (list) => {
    if (list === null) ensureKeys(dir, null)
    return complete(list)
  })
  expect(readKeyList(dir)?.keys.map(({ key }) => key)).not.toContain('sk-opta-made')
  expect(readdirSync(dir).filter((name) => name.endsWith('.tmp'))).toEqual([])
})
