// The JSON that README and docs show is what Nexus takes: a person pastes it.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parseConfig } from '../electron/core/config/config.ts'
import { chooseProfile } from '../electron/core/config/profiles.ts'

const root = join(import.meta.dirname, '..')
const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
]

const examples = pages.flatMap((page) =>
  [...readFileSync(join(root, page), 'utf8').matchAll(/^ *```json\n(.*?)^ *```$/gms)].map(
    (match) => [page, match[1] ?? ''] as const,
  ),
)

/** A config names profiles or the one that runs; what stands in a file of its own is one profile. */
const isConfig = (text: string): boolean => /"profiles?"\s*:|"metricsPort"\s*:|"guests"\s*:/.test(text)

describe('JSON in README and docs', () => {
  it('is there', () => {
    expect(examples.length).toBeGreaterThanOrEqual(3)
    expect(examples.some(([, text]) => isConfig(text))).toBe(true)
  })

  it.each(examples)('%s: %s', (_, text) => {
    if (isConfig(text)) {
      const config = parseConfig(text, 'config.json')
      chooseProfile(config, null, '/runtime')
      return
    }
    const folder = mkdtempSync(join(tmpdir(), 'nexus-readme-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const path = join(folder, 'mine.json')
    writeFileSync(path, text)
    chooseProfile(parseConfig('{}', 'config.json'), path, '/runtime')
  })
})
