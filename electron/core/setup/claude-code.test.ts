// Which Claude Code is installed: the lock's one for every platform, or another one put in its place.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { pinEveryPlatform, readLockedVersion } from './claude-code.ts'
import { measuredClaudeCode } from './claude-code-releases.ts'

const dir = join(import.meta.dirname, '../../../resources/claude-code')
const manifest = readFileSync(join(dir, 'package.json'), 'utf8')

it('is the one that was measured', () => {
  expect(readLockedVersion(readFileSync(join(dir, 'package-lock.json'), 'utf8'))).toBe(measuredClaudeCode)
})

it('can be another one, for every platform', () => {
  const other = pinEveryPlatform(manifest, '9.9.9')
  expect(other.match(/"9\.9\.9"/g)).toHaveLength(5)
  expect(other).not.toContain(measuredClaudeCode)
  expect(pinEveryPlatform(manifest, measuredClaudeCode)).toBe(manifest)
})

it('refuses a manifest that names no platform', () => {
  expect(() => pinEveryPlatform('{}', '9.9.9')).toThrow('names no platform')
})
