// Lines for three shells: clients get the key unchanged, whatever its characters.
import { execFileSync, spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { type ShellId, shellSnippet } from './shell-snippets.ts'

/** Every character allowed in a key (contract: 0x21 to 0x7e). */
const everyCharacter = Array.from({ length: 94 }, (_, index) => String.fromCharCode(33 + index)).join('')
const url = 'http://10.0.0.5:4000'

const isInstalled = (program: string): boolean =>
  spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined

const readBack = "process.env['ANTHROPIC_BASE_URL'] + process.env['ANTHROPIC_API_KEY']"

describe('shellSnippet', () => {
  it.each<[ShellId, string]>([
    ['bash', String.raw`export ANTHROPIC_API_KEY='it'\''s$(x)\'`],
    ['powershell', String.raw`$env:ANTHROPIC_API_KEY = 'it''s$(x)\'`],
    ['fish', String.raw`set -gx ANTHROPIC_API_KEY 'it\'s$(x)\\'`],
  ])('quotes for %s', (shell, line) => {
    expect(shellSnippet(shell, url, `it's$(x)\\`).split('\n')[1]).toBe(line)
  })

  it('doubles the typographic quotes that PowerShell treats as quotes', () => {
    expect(shellSnippet('powershell', url, 'a\u2019b')).toContain("'a\u2019\u2019b'")
  })

  it.each(['sh', 'bash'])('reaches a client of %s unchanged', (shell) => {
    const script = `${shellSnippet('bash', url, everyCharacter)}\nprintf '%s\\n%s' "$ANTHROPIC_BASE_URL" "$ANTHROPIC_API_KEY"`
    expect(execFileSync(shell, ['-c', script], { encoding: 'utf8' })).toBe(`${url}\n${everyCharacter}`)
  })

  it.skipIf(!isInstalled('zsh'))('reaches a client of zsh unchanged (skipped without zsh)', () => {
    const script = `${shellSnippet('bash', url, everyCharacter)}\n"$0" -p "$1"`
    const words = ['-c', script, process.execPath, readBack]
    expect(execFileSync('zsh', words, { encoding: 'utf8' }).trim()).toBe(url + everyCharacter)
  })

  it.skipIf(!isInstalled('fish'))('reaches a client of fish unchanged (skipped without fish)', () => {
    const script = `${shellSnippet('fish', url, everyCharacter)}\n$argv[1] -p $argv[2]`
    const words = ['--no-config', '-c', script, process.execPath, readBack]
    expect(execFileSync('fish', words, { encoding: 'utf8' }).trim()).toBe(url + everyCharacter)
  })

  it.skipIf(!isInstalled('pwsh'))('reaches a client of PowerShell unchanged (skipped without pwsh)', () => {
    const script = `${shellSnippet('powershell', url, everyCharacter)}\n"$env:ANTHROPIC_BASE_URL$env:ANTHROPIC_API_KEY"`
    const words = ['-NoProfile', '-Command', script]
    expect(execFileSync('pwsh', words, { encoding: 'utf8' }).trim()).toBe(url + everyCharacter)
  })
})
