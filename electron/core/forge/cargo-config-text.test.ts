import { describe, expect, it } from 'vitest'
import { addEntry, type CargoEntry, hasEntry, readCargoConfig, removeEntry } from './cargo-config-text.ts'

const include: CargoEntry = { kind: 'include', path: '/Volumes/Opta "B"/.nexus/cargo.toml' }
const buildDir: CargoEntry = { kind: 'build-dir', value: '/Volumes/B/build/{workspace-path-hash}' }

const configs: Readonly<Record<string, string>> = {
  'no file': '',
  'tables and comments': '# mine\n[build]\njobs = 2 # two\n\n[net]\nretry = 3\n\n[alias]\nb = "build"\n',
  'no newline at the end': '[net]\nretry = 3',
  'windows lines': '[net]\r\nretry = 3\r\n',
  'an include of strings': 'include = ["a.toml"] # mine\n\n[build]\njobs = 2\n',
  'an include over lines': 'include = [\n  "a.toml", # one\n  { path = "b.toml" },\n]\n[net]\nretry=3\n',
  'includes as tables': '[[include]]\npath = "a.toml"\noptional = true\n\n[net]\nretry = 1\n',
  'dotted keys': 'net.retry = 3\nbuild.jobs = 2\n',
  'an inline table': 'build = { jobs = 2 }\n',
  // As Windows editors save it; the mark is no part of a key, and stays the first character.
  'a byte order mark': '\uFEFF[net]\nretry = 3\n',
  'a byte order mark and an include': '\uFEFFinclude = ["a.toml"]\n[net]\nretry = 3\n',
  'text over lines': '[env]\nX = """\n[build]\nbuild-dir = "no"\n"""\n',
}

describe.each(Object.entries(configs))('%s', (_, text) => {
  it.each([include, buildDir])('takes the entry, keeps every line, and gives it back ($kind)', (entry) => {
    const added = addEntry(text, entry)
    expect(hasEntry(added, entry)).toBe(true)
    for (const comment of text.match(/#.*/g) ?? []) expect(added).toContain(comment)
    if (text.startsWith('\uFEFF')) expect(added.lastIndexOf('\uFEFF')).toBe(0)
    const removed = removeEntry(added, entry)
    expect(removed).toBe(text)
  })
})

it('takes its entry out of a file that was edited since', () => {
  const added = addEntry('include = ["a.toml"]\n', include).replace('include', '# new\ninclude')
  expect(removeEntry(added, include)).toBe('# new\ninclude = ["a.toml"]\n')
  expect(removeEntry(`[net]\nretry = 1\n${addEntry('', buildDir)}`, buildDir)).toBe('[net]\nretry = 1\n')
})

it('leaves a text without the entry as it is', () => {
  expect(removeEntry('[build]\nbuild-dir = "/mine"\n', buildDir)).toBe('[build]\nbuild-dir = "/mine"\n')
})

it('reads what is set, however it is written', () => {
  const settings = { buildDir: '/x', targetDir: '/y', includes: ['a.toml', 'b.toml'] }
  const text =
    'include = ["a.toml", { path = "b.toml" }]\nbuild = { build-dir = "/x", target-dir = \'/y\' }\n'
  expect(readCargoConfig(text)).toEqual({ kind: 'settings', settings })
})

it.each([
  ['[build\n', /^Error parsing TOML \(1, 7\)/],
  ['[build]\nbuild-dir = 7\n', /^build\.build-dir: /],
  ['include = 7\n', /^include: /],
  [`#${'x'.repeat(65_536)}`, /^it has 65537 characters; at most 65536 are read$/],
])('does not guess at %j', (text, reason) => {
  expect(readCargoConfig(text)).toMatchObject({ kind: 'unclear', reason: expect.stringMatching(reason) })
  expect(() => addEntry(text, include)).toThrow(reason)
})
