// Which Claude Code is installed: the lock's one for every platform, or another one put in its place.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { pinEveryPlatform, readLockedVersion, readVersion } from './claude-code.ts'
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

describe('the version of a program that a person names', () => {
  const folder = mkdtempSync(join(tmpdir(), 'nexus-claude-path-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const signal = new AbortController().signal
  const script = (name: string, text: string, mode = 0o755): string => {
    const path = join(folder, name)
    writeFileSync(path, text, { mode })
    return path
  }

  it('is what it says', async () => {
    const path = script('claude', '#!/bin/sh\necho "2.1.332 (Claude Code)"\n')
    expect(await readVersion(path, signal)).toBe('2.1.332')
  })

  it.each([
    ['nothing', () => join(folder, 'missing'), /^there is no program .*missing$/],
    [
      'a path through a file',
      () => join(script('file', ''), 'claude'),
      /^there is no program .*file\/claude$/,
    ],
    [
      'a folder',
      () => {
        mkdirSync(join(folder, 'dir'))
        return join(folder, 'dir')
      },
      /dir is a folder; allowed: the program itself, such as .*dir\/claude$/,
    ],
    [
      'a file of no program',
      () => script('plain', 'echo hi', 0o644),
      /plain is not executable for this user/,
    ],
    [
      'a lost interpreter',
      () => script('lost', '#!/no/such/sh\n'),
      /the interpreter in its first line is missing/,
    ],
    [
      'another program',
      () => script('other', '#!/bin/sh\necho 9.9.9 git\n'),
      /--version printed "9\.9\.9 git"/,
    ],
    [
      'a failure',
      () => script('bad', '#!/bin/sh\necho "no GLIBC_2.38" >&2\nexit 1\n'),
      /printed "no GLIBC_2\.38"/,
    ],
  ])('of %s is refused in words', async (_, make, problem) => {
    await expect(readVersion(make(), signal)).rejects.toThrow(problem)
  })

  it('is not waited for when the program hangs, and nothing of it is left', async () => {
    // Ending the shell alone would leave what it started, with the pipe open.
    const path = script('hangs', `#!/bin/sh\nsleep 1000 &\necho $! > ${folder}/pid\nwait\n`)
    await expect(readVersion(path, signal, 500)).rejects.toThrow('--version did not answer within 0.5 s')
    const pid = readFileSync(join(folder, 'pid'), 'utf8').trim()
    // An ended one is a zombie until init has taken note of it.
    const state = () => spawnSync('ps', ['-o', 'stat=', '-p', pid], { encoding: 'utf8' }).stdout.trim()
    await vi.waitFor(() => expect(state()).toMatch(/^(Z.*)?$/))
  })
})
