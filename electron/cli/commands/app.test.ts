import { describe, expect, it } from 'vitest'
import { electronArguments, needsLoweredBuild, openArguments, whyNoWindow } from './app.ts'

describe('whyNoWindow', () => {
  it.each([
    ['linux', {}, true],
    ['linux', { DISPLAY: '' }, true],
    ['linux', { DISPLAY: ':1' }, false],
    ['linux', { WAYLAND_DISPLAY: 'wayland-0' }, false],
    ['darwin', {}, false],
  ] as const)('%s %j: %s', (platform, env, blocked) => {
    expect(whyNoWindow(platform, env) !== null).toBe(blocked)
  })
})

describe('electronArguments', () => {
  it('disables the sandbox only where Chromium refuses it', () => {
    expect(electronArguments('linux', 0)).toEqual(['--no-sandbox'])
    expect(electronArguments('linux', 501)).toEqual([])
    expect(electronArguments('darwin', 0)).toEqual([])
  })
})

describe('openArguments', () => {
  it('passes on the variables of our folders and nothing else', () => {
    const path = '/Applications/Opta Nexus.app'
    expect(openArguments(path, { PATH: '/bin' })).toEqual([path])
    const env = { PATH: '/bin', NEXUS_HOME: '/tmp/a b', NEXUS_RUNTIME: '', NEXUS_SHARED: '/Users/Shared/n' }
    expect(openArguments(path, env)).toEqual([
      '--env',
      'NEXUS_HOME=/tmp/a b',
      '--env',
      'NEXUS_SHARED=/Users/Shared/n',
      path,
    ])
  })
})

describe('needsLoweredBuild', () => {
  it.each([
    ['9.4.1', '45.4.1', true],
    ['44.9.9', '45.4.1', true],
    ['45.0.0', '45.4.1', false],
    ['100.0.0', '45.4.1', false],
  ] as const)('%s for %s: %s', (version, builtFor, expected) => {
    expect(needsLoweredBuild(version, builtFor)).toBe(expected)
  })
})
