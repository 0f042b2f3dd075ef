import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { findSharedCheckouts, isShared } from './shared-checkout.ts'

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nexus-shared-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const ownUid = process.getuid?.() ?? null
const checkout = (name: string, mode: number): string => {
  const path = join(dir, name)
  mkdirSync(path)
  chmodSync(path, mode)
  return path
}
const found = (workspace: string | null, uid = ownUid ?? 0, platform: 'darwin' | 'linux' = 'linux') =>
  findSharedCheckouts([{ workspace, uid }], { platform, ownUid }).map(({ path }) => path)

it.each([
  [0o2775, true, true],
  [0o775, false, true],
  [0o755, false, false],
  [0o2755, false, false],
  [0o777, true, true],
])('mode %o is shared on Linux %s, on a Mac %s', (mode, linux, darwin) => {
  const stats = { mode, isDirectory: () => true }
  expect([isShared(stats, 'linux'), isShared(stats, 'darwin')]).toEqual([linux, darwin])
})

it('finds a checkout that a group works in, and leaves private ones alone', () => {
  const shared = checkout('shared', 0o2775)
  expect(found(shared)).toEqual([shared])
  expect(found(shared, 61_001)).toEqual([shared])
  expect(found(checkout('mine', 0o755))).toEqual([])
  expect(found(checkout('own-group', 0o775))).toEqual([])
  expect(found(null)).toEqual([])
  expect(found(join(dir, 'gone'))).toEqual([])
  // Stands for one in a home that is closed to us, which root cannot have: it cannot be looked at either.
  symlinkSync(join(dir, 'loop'), join(dir, 'loop'))
  expect(found(join(dir, 'loop'), 61_001)).toEqual([])
})

it('has nothing to say of one that builds elsewhere by now', () => {
  const shared = checkout('shared', 0o2775)
  mkdirSync(join(shared, '.cargo'))
  writeFileSync(join(shared, '.cargo', 'config.toml'), '[net]\noffline = true\n')
  expect(found(shared)).toEqual([shared])
  writeFileSync(join(shared, '.cargo', 'config.toml'), '[build]\nbuild-dir = "target"\n')
  expect(found(shared)).toEqual([])
})
