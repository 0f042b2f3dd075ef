import { existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Profile } from '../../contract/profile.ts'
import { builtinProfiles } from '../config/profiles.ts'
import { type FetchRecord, placeOf, writeFetchRecord } from './fetched-file.ts'
import { readMissingModels } from './find-models.ts'
import { listModelsHere, listOwnFiles } from './model-list.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nexus-models-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const put = (name: string, bytes: number) => writeFileSync(join(dir, name), Buffer.alloc(bytes))
const record = (path: string, verified: FetchRecord['verified']) =>
  writeFetchRecord(placeOf(dir, path), {
    version: 1,
    repo: 'a/b',
    revision: '1',
    path,
    bytes: 10,
    sha256: '0'.repeat(64),
    etag: null,
    verified,
  })
const whole = { bytes: 10, mtimeMs: 1 }

const fill = () => {
  put('Big-00001-of-00002.gguf', 10)
  record('Q8_0/Big-00001-of-00002.gguf', whole)
  put('.Big-00002-of-00002.gguf.part', 4)
  record('Q8_0/Big-00002-of-00002.gguf', null)
  put('Whole.gguf', 10)
  record('Whole.gguf', whole)
  put('Mine.gguf', 7)
  put('elsewhere', 9)
  symlinkSync(join(dir, 'elsewhere'), join(dir, 'Linked.gguf'))
  record('Linked.gguf', whole)
  symlinkSync(join(dir, 'gone'), join(dir, 'Dangling.gguf'))
  record('Dangling.gguf', whole)
}

it('lists local models and their state', () => {
  fill()
  expect(listModelsHere(dir).map(({ name, bytes, from, state }) => [name, bytes, from, state])).toEqual([
    ['Big', 14, 'a/b:Q8_0/Big-00001-of-00002.gguf', 'part'],
    ['Dangling', 0, 'a/b:Dangling.gguf', 'dangling'],
    ['Linked', 9, 'a/b:Linked.gguf', 'linked'],
    ['Mine', 7, null, 'unknown'],
    ['Whole', 10, 'a/b:Whole.gguf', 'whole'],
  ])
  expect(listModelsHere(join(dir, 'nowhere'))).toEqual([])
})

it('distinguishes our files from those that others put there', () => {
  fill()
  const own = Object.fromEntries(listModelsHere(dir).map((model) => [model.name, listOwnFiles(dir, model)]))
  expect(own['Mine']).toBeNull()
  expect(own['Linked']).toEqual([join(dir, 'Linked.gguf'), join(dir, '.Linked.gguf.fetched.json')])
  expect(own['Big']).toEqual(
    [
      'Big-00001-of-00002.gguf',
      '.Big-00001-of-00002.gguf.fetched.json',
      '.Big-00002-of-00002.gguf.part',
      '.Big-00002-of-00002.gguf.fetched.json',
    ].map((name) => join(dir, name)),
  )
  expect(existsSync(join(dir, 'elsewhere'))).toBe(true)
  expect(readdirSync(dir)).toContain('Mine.gguf')
})

it('finds a missing model of the profile in the catalogue, also if that has it in parts', () => {
  const studio = builtinProfiles('/runtime')['studio']
  if (studio === undefined) throw new Error('no studio')
  const profile: Profile = {
    ...studio,
    llamaServer: {
      ...studio.llamaServer,
      modelPath: join(dir, 'Big.gguf'),
      draftModelPath: join(dir, 'Whole.gguf'),
    },
  }
  const file = (path: string) => ({ path, bytes: 10, sha256: '0'.repeat(64) })
  const catalogue = [
    {
      id: 'big',
      name: 'Big',
      repo: 'a/b',
      files: [file('Q8_0/Big-00001-of-00002.gguf'), file('Q8_0/Big-00002-of-00002.gguf')],
    },
    { id: 'whole', name: 'Whole', repo: 'a/b', files: [{ ...file('Whole.gguf'), bytes: null }] },
  ]
  const notFetched = catalogue.map((model) => ({ ...model, repo: null }))
  const missing = () => readMissingModels({ name: 'mine', profile }, dir, () => catalogue)
  expect(missing()).toEqual([
    { model: 'big', file: 'Big.gguf', profile: 'mine', bytes: 20 },
    { model: 'whole', file: 'Whole.gguf', profile: 'mine', bytes: null },
  ])
  expect(readMissingModels({ name: 'mine', profile }, dir, () => notFetched)).toEqual([])
  put('Whole.gguf', 10)
  expect(missing().map(({ model }) => model)).toEqual(['big'])
  expect(readMissingModels({ name: 'mine', profile }, '/elsewhere', () => catalogue)).toEqual([])
})
