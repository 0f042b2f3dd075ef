// The user's settings.json keeps the user's values when ours are added and removed again.
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ClaudeSetting } from './claude-settings.ts'
import { applySettings, undoSettings } from './settings-apply.ts'
import { statusLine } from './status-line.ts'

let home = ''
let path = ''
let recordPath = ''
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'nexus-apply-'))
  path = join(home, '.claude', 'settings.json')
  recordPath = join(home, 'record.json')
  mkdirSync(join(home, '.claude'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const ours = (key = 'sk-opta-1'): readonly ClaudeSetting[] => [
  { name: 'ANTHROPIC_BASE_URL', value: 'http://10.0.0.5:4000', why: '' },
  { name: 'ANTHROPIC_AUTH_TOKEN', value: key, why: '' },
  { name: 'permissions.deny', value: ['WebFetch', 'Cron'], why: '' },
  { name: 'statusLine', value: statusLine('unix'), why: '' },
]
const apply = (settings = ours(), mayReplace = false) =>
  applySettings({ path, recordPath }, settings, { mayReplace })
const read = (): Record<string, unknown> => JSON.parse(readFileSync(path, 'utf8'))
const own = {
  model: 'x',
  env: { EDITOR: 'vi' },
  permissions: { allow: ['Bash(ls)'], deny: ['WebFetch', 'Read(.env)'] },
}
const writeOwn = (value: unknown = own, mark = '') =>
  writeFileSync(path, `${mark}${JSON.stringify(value)}`, { mode: 0o644 })

describe('applySettings', () => {
  it('creates a file that only its owner may read, and undo removes it', () => {
    rmSync(join(home, '.claude'), { recursive: true })
    expect(apply()).toMatchObject({ kind: 'written', backupPath: null })
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(read()).toMatchObject({
      env: { ANTHROPIC_AUTH_TOKEN: 'sk-opta-1' },
      permissions: { deny: ['WebFetch', 'Cron'] },
    })
    expect(statSync(recordPath).mode & 0o777).toBe(0o600)
    expect(undoSettings(recordPath)).toMatchObject({ kind: 'undone', kept: [] })
    expect(() => statSync(path)).toThrow('ENOENT')
    expect(undoSettings(recordPath)).toEqual({ kind: 'nothing' })
  })

  it('keeps the user’s values, writes a backup, and restores the file', () => {
    writeOwn()
    const before = readFileSync(path, 'utf8')
    const outcome = apply()
    expect(outcome).toMatchObject({ kind: 'written', replaced: [] })
    expect(read()).toMatchObject({
      model: 'x',
      env: { EDITOR: 'vi', ANTHROPIC_BASE_URL: 'http://10.0.0.5:4000' },
      permissions: { allow: ['Bash(ls)'], deny: ['WebFetch', 'Read(.env)', 'Cron'] },
    })
    expect(statSync(path).mode & 0o777).toBe(0o600)
    const backup = outcome.kind === 'written' ? (outcome.backupPath ?? '') : ''
    expect(readFileSync(backup, 'utf8')).toBe(before)
    expect(statSync(backup).mode & 0o777).toBe(0o600)
    undoSettings(recordPath)
    expect(read()).toEqual(own)
  })

  it('does not replace a user’s value without permission, and names it', () => {
    const theirs = {
      env: { ANTHROPIC_BASE_URL: 'https://elsewhere' },
      statusLine: { type: 'command', command: 'mine' },
    }
    writeOwn(theirs)
    expect(apply()).toMatchObject({ kind: 'conflicts', names: ['ANTHROPIC_BASE_URL', 'statusLine'] })
    expect(read()).toEqual(theirs)
    expect(apply(ours(), true)).toMatchObject({
      kind: 'written',
      replaced: ['ANTHROPIC_BASE_URL', 'statusLine'],
    })
    undoSettings(recordPath)
    expect(read()).toEqual(theirs)
  })

  it('updates its own lines, and still remembers the original values', () => {
    writeOwn()
    apply()
    const backup = readFileSync(`${path}.before-opta-nexus`, 'utf8')
    const later = [
      ...ours('sk-opta-2').filter(({ name }) => name !== 'statusLine'),
      { name: 'NEW', value: '1', why: '' },
    ]
    expect(apply(later)).toMatchObject({ kind: 'written', replaced: [] })
    expect(read()).toMatchObject({ env: { ANTHROPIC_AUTH_TOKEN: 'sk-opta-2', NEW: '1' } })
    expect(read()).not.toHaveProperty('statusLine')
    expect(readFileSync(`${path}.before-opta-nexus`, 'utf8')).toBe(backup)
    expect(apply(later)).toMatchObject({ kind: 'unchanged' })
    undoSettings(recordPath)
    expect(read()).toEqual(own)
  })

  it('keeps later changes by the user', () => {
    apply()
    writeOwn({ ...read(), env: { ANTHROPIC_BASE_URL: 'http://changed', ANTHROPIC_AUTH_TOKEN: 'sk-opta-1' } })
    expect(undoSettings(recordPath)).toMatchObject({ kept: ['ANTHROPIC_BASE_URL'] })
    expect(read()).toEqual({ env: { ANTHROPIC_BASE_URL: 'http://changed' } })
  })

  it('reads a byte order mark, and writes through a link', () => {
    const real = join(home, 'dotfiles.json')
    symlinkSync(real, path)
    writeFileSync(real, `\uFEFF${JSON.stringify(own)}`)
    expect(apply()).toMatchObject({ kind: 'written', path: real })
    expect(lstatSync(path).isSymbolicLink()).toBe(true)
    expect(read()).toMatchObject({ model: 'x', env: { EDITOR: 'vi', ANTHROPIC_AUTH_TOKEN: 'sk-opta-1' } })
  })

  it.each([
    ['no JSON', '{ "env": ', 'is not valid JSON, so it was not touched'],
    ['of the wrong shape', '{"env": 4}', 'was not touched: env'],
    ['of the wrong shape inside', '{"permissions": {"deny": "all"}}', 'was not touched: permissions.deny'],
  ])('refuses a file that is %s', (_, text, words) => {
    writeFileSync(path, text)
    expect(() => apply()).toThrow(words)
    expect(readFileSync(path, 'utf8')).toBe(text)
  })
})
