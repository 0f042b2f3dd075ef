// What was asked for survives the core; what cannot be understood asks for nothing.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { builtinProfiles } from '../config/profiles.ts'
import { type Intent, readIntent, writeIntent } from './intent.ts'

let path: string
beforeEach(() => {
  path = join(mkdtempSync(join(tmpdir(), 'nexus-intent-')), 'intent.json')
})
afterEach(() => rmSync(join(path, '..'), { recursive: true, force: true }))

const intent = (): Intent => {
  const { studio } = builtinProfiles('/opt/runtime')
  if (studio === undefined) throw new Error('there is no studio')
  return { version: 1, up: ['ramDisk', 'proxy'], profileName: 'studio', profile: studio }
}

describe('the intent', () => {
  it('comes back as it was written, from a private file: it holds the client key', () => {
    writeIntent(path, intent())
    expect(readIntent(path)).toEqual(intent())
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it('is none where nothing was asked for', () => {
    expect(readIntent(path)).toBeNull()
  })

  it.each([
    ['empty', ''],
    ['half', '{"version":1,"up":["ramD'],
    ['of another version', JSON.stringify({ ...intent(), version: 2 })],
    ['with an unknown service', JSON.stringify({ ...intent(), up: ['toaster'] })],
    ['with a profile that is none', JSON.stringify({ ...intent(), profile: {} })],
    ['not an object', 'null'],
  ])('is null for a file that is %s, and leaves the file alone', (_, text) => {
    writeFileSync(path, text)
    expect(readIntent(path)).toBeNull()
    expect(readFileSync(path, 'utf8')).toBe(text)
  })
})
