import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { readDoesNotRestore } from './parked-verdict.ts'

let root = ''
const folder = () => ({ parkedDir: join(root, 'parked'), proxyDir: join(root, 'litellm') })
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'nexus-verdict-'))
  mkdirSync(folder().parkedDir)
  mkdirSync(folder().proxyDir)
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

it('holds for the llama-server that it was found out with, and for no other', () => {
  const runs = (identity: string) =>
    writeFileSync(join(root, 'litellm', 'engine.json'), JSON.stringify({ process: '1@1', identity }))
  expect(readDoesNotRestore(folder())).toBe(false)
  writeFileSync(join(root, 'parked', 'does-not-restore'), 'gemma\n')
  expect(readDoesNotRestore(folder())).toBe(false)
  runs('gemma')
  expect(readDoesNotRestore(folder())).toBe(true)
  runs('llama')
  expect(readDoesNotRestore(folder())).toBe(false)
})
