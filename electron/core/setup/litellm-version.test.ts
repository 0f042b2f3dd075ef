import { describe, expect, it } from 'vitest'
import { judgeLiteLlmVersion } from './litellm-version.ts'

describe('judgeLiteLlmVersion', () => {
  it.each(['1.106.2', '1.83.7', '1.83.7.post1', '1.83.10', '1.84.0rc1', '2.0', 'v1.90.0', '1.100.0'])(
    'accepts %s',
    (version) => {
      expect(judgeLiteLlmVersion(version)).toBeNull()
    },
  )

  it.each(['1.82.7', '1.82.8', '1.82.8.post1', ' 1.82.7\n'])(
    'names %s as the one that stole credentials',
    (version) => {
      expect(judgeLiteLlmVersion(version)).toContain('credentials')
    },
  )

  it.each(['1.82.6', '1.82.9', '1.83.6', '1.83.7rc1', '1.83.7.dev3', '1.81.16', '0.99.99', '1.83'])(
    'refuses %s for its CVE',
    (version) => {
      expect(judgeLiteLlmVersion(version)).toContain('CVE-2026-42208')
    },
  )

  it.each(['', 'latest', 'one.two.three'])('refuses anything but a version: "%s"', (version) => {
    expect(judgeLiteLlmVersion(version)).toContain('cannot be read')
  })
})
