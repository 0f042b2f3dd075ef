// What a developer pastes: an address that reaches this machine, and a key that no shell takes apart.
import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { bashSnippet, buildClientGuide } from './clients.ts'

const proxy = { host: '0.0.0.0', port: 4000, modelName: 'claude-3-5-sonnet-20241022' }
const lan = ['192.168.1.20', '10.0.0.5']

describe('buildClientGuide', () => {
  it('gives the address that others reach, when the Router listens for all', () => {
    const guide = buildClientGuide(proxy, 'sk-local-opta', lan)
    expect(guide.baseUrl).toBe('http://192.168.1.20:4000')
    expect(guide.apiKey).toBe('sk-local-opta')
    expect(guide.models[0]).toBe('claude-3-5-sonnet-20241022')
    expect(guide.warning).toBeNull()
    for (const { snippet } of guide.users) {
      expect(snippet).toContain('http://192.168.1.20:4000')
      expect(snippet).toContain('sk-local-opta')
    }
  })

  it.each(['127.0.0.1', 'localhost', '::1'])('warns that nobody else reaches %s', (host) => {
    const guide = buildClientGuide({ ...proxy, host }, 'sk-local-opta', lan)
    expect(guide.warning).toContain(`listens on ${host}, so only programs on this machine reach it`)
    expect(new URL(guide.baseUrl).port).toBe('4000')
  })

  it('writes an IPv6 address as URLs have it', () => {
    const guide = buildClientGuide({ ...proxy, host: 'fd00::20' }, 'sk-local-opta', lan)
    expect(guide.baseUrl).toBe('http://[fd00::20]:4000')
    expect(guide.warning).toBeNull()
  })

  it('says so when the machine has no network address', () => {
    const guide = buildClientGuide(proxy, 'sk-local-opta', [])
    expect(guide.baseUrl).toBe('http://127.0.0.1:4000')
    expect(guide.warning).toContain('no network address now')
  })

  it('has lines for both shells of the seed', () => {
    const { users } = buildClientGuide(proxy, "it's$(x)", lan)
    expect(users.map(({ shell }) => shell)).toEqual(['bash', 'powershell'])
    expect(users[1]?.snippet).toContain("$env:ANTHROPIC_API_KEY = 'it''s$(x)'")
  })
})

describe('bashSnippet', () => {
  it('reaches the client unchanged, whatever characters the key has', () => {
    const key = Array.from({ length: 94 }, (_, index) => String.fromCharCode(33 + index)).join('')
    const script = `${bashSnippet('http://10.0.0.5:4000', key)}\nprintf '%s\\n%s' "$ANTHROPIC_BASE_URL" "$ANTHROPIC_API_KEY"`
    expect(execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' })).toBe(`http://10.0.0.5:4000\n${key}`)
  })
})
