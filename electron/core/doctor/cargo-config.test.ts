import { describe, expect, it } from 'vitest'
import { parseCargoBuildDir } from './cargo-config.ts'

describe('parseCargoBuildDir', () => {
  it.each([
    ['[build]\nbuild-dir = "/Volumes/X/{workspace-path-hash}" # fast', '/Volumes/X/{workspace-path-hash}'],
    ["[net]\nretry = 2\n[ build ]\r\njobs = 4\r\nbuild-dir='/a b'\r\n", '/a b'],
    ['build.build-dir = "/x"', '/x'],
  ])('finds it in %j', (text, value) => expect(parseCargoBuildDir(text)).toEqual({ kind: 'set', value }))

  it.each([
    ['', false],
    ['[build]\ntarget-dir = "/x"', true],
    ['[target.x]\nbuild-dir = "/x"', false],
    ['[build]\n# build-dir = "/x"', true],
    ['[[bin]]\nbuild-dir = "/x"', false],
    ['[profile.dev.build]\nbuild-dir = "/x"', false],
  ])('does not find it in %j', (text, hasBuildTable) =>
    expect(parseCargoBuildDir(text)).toEqual({ kind: 'absent', hasBuildTable }),
  )

  it.each([
    'build = { build-dir = "/x" }',
    '[build]\nbuild-dir = """/x"""',
    '[build]\nbuild-dir = "/a\\u0020b"',
    '[build]\nbuild-dir = 3',
  ])('says when it cannot follow: %j', (text) => expect(parseCargoBuildDir(text).kind).toBe('unclear'))
})
