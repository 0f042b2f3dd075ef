// The record of results per release.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { readReleaseTry, rememberReleaseTry } from './tried-releases.ts'

let dir = ''
let path = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nexus-tries-'))
  path = join(dir, 'tries.json')
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

it('returns nothing for an untried release or a broken record', () => {
  expect(readReleaseTry(path, '2.1.332')).toBeNull()
  writeFileSync(path, '{"version": 1, "tries": ')
  expect(readReleaseTry(path, '2.1.332')).toBeNull()
})

it('keeps the newest result of each step per release', () => {
  rememberReleaseTry(path, { version: '2.1.332', at: 1, passed: ['a', 'b'], failed: ['c'] })
  rememberReleaseTry(path, { version: '2.1.197', at: 2, passed: ['a'], failed: [] })
  rememberReleaseTry(path, { version: '2.1.332', at: 3, passed: ['c'], failed: ['a'] })
  expect(readReleaseTry(path, '2.1.332')).toEqual({
    version: '2.1.332',
    at: 3,
    passed: ['b', 'c'],
    failed: ['a'],
  })
  expect(readReleaseTry(path, '2.1.197')).toMatchObject({ at: 2, passed: ['a'] })
})
