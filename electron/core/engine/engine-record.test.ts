// A parked conversation fits one model, one program and one set of flags.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LedgerEntry } from '../supervise/ledger.ts'
import { identifyEngine, readDoesNotRestore, readEngineModel, recordEngine } from './engine-record.ts'
import { seedArgv } from './seed-line.ts'

let dir = ''
let model = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nexus-engine-record-'))
  model = join(dir, 'model.gguf')
  writeFileSync(join(dir, 'llama-server'), 'program')
  writeModel('GGUF one')
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

/** The times of the files that a test replaces: a copy may keep them (cp -p). */
const writtenAt = new Date('2026-11-20T12:00:00Z')
const writeModel = (text: string, at = writtenAt) => {
  writeFileSync(model, text)
  utimesSync(model, at, at)
}

const entry = (over: { words?: readonly string[]; pid?: number } = {}): LedgerEntry => ({
  service: 'llamaServer',
  pid: over.pid ?? 4242,
  startedAt: '100',
  argv: [join(dir, 'llama-server'), '-m', model, '-c', '8192', ...(over.words ?? [])],
  profile: 'demo',
  spawnedAtMs: new Date('2026-11-28T12:00:00Z').getTime(),
  logMark: { previous: 0, offset: 0 },
})

it('changes with every flag that shapes the cache, and with no other', () => {
  const before = identifyEngine(entry())
  expect(identifyEngine(entry({ words: ['--port', '9000', '-lv', '4'] }))).toBe(before)
  for (const words of [['-ctk', 'q8_0'], ['-kvu'], ['-c', '4096'], ['--swa-full']])
    expect(identifyEngine(entry({ words }))).not.toBe(before)
})

it('differs for two models of the same name, size and time', () => {
  const before = identifyEngine(entry())
  writeModel('GGUF two')
  expect(identifyEngine(entry())).not.toBe(before)
})

it('is unusable if the model was replaced after the start', () => {
  const before = identifyEngine(entry())
  writeModel('GGUF one', new Date('2026-11-28T13:00:00Z'))
  const replaced = identifyEngine(entry())
  expect(replaced).not.toBe(before)
})

it('does not wait for a pipe that replaced the model', () => {
  const before = identifyEngine(entry())
  rmSync(model)
  execFileSync('mkfifo', [model])
  utimesSync(model, writtenAt, writtenAt)
  expect(identifyEngine(entry())).not.toBe(before)
})

it('is written once for each process, as it was at its start', () => {
  const path = join(dir, 'engine.json')
  recordEngine(path, entry())
  const first = readFileSync(path, 'utf8')
  writeModel('GGUF two')
  recordEngine(path, entry())
  expect(readFileSync(path, 'utf8')).toBe(first)
  recordEngine(path, entry({ pid: 4243 }))
  expect(readFileSync(path, 'utf8')).not.toBe(first)
})

it('removes the record of an earlier llama-server when it cannot be written, as on a full disk', () => {
  // Its temporary file's name would be longer than the 255 bytes that a name may have, also for root.
  const path = join(dir, 'e'.repeat(250))
  writeFileSync(path, JSON.stringify({ process: '4000@1', identity: 'another model' }))
  expect(() => recordEngine(path, entry())).toThrow('ENAMETOOLONG')
  expect(existsSync(path)).toBe(false)
})

describe('the verdict that nothing is restored', () => {
  let root = ''
  const folder = () => ({ parkedDir: join(root, 'parked'), proxyDir: join(root, 'litellm') })
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'nexus-verdict-'))
    mkdirSync(folder().parkedDir)
    mkdirSync(folder().proxyDir)
  })
  afterEach(() => rmSync(root, { recursive: true, force: true }))

  it('holds for the llama-server that it was found out with, and for no other', () => {
    const runs = (identity: string) =>
      writeFileSync(join(root, 'litellm', 'engine.json'), JSON.stringify({ process: '1@1', identity }))
    expect(readDoesNotRestore(folder())).toBe(false)
    writeFileSync(join(root, 'parked', 'does-not-restore'), 'gemma\n')
    expect(readDoesNotRestore(folder())).toBe(false)
    runs('gemma')
    expect(readDoesNotRestore(folder())).toBe(true)
    runs('llama')
    expect(readDoesNotRestore(folder())).toBe(false)
  })
})

describe('the models of a running llama-server', () => {
  it('reads both models of the owner’s start script', () => {
    expect(readEngineModel(seedArgv)).toEqual({
      modelPath: '/Users/Shared/Models/DeepSeek-R1-Distill-Llama-70B-Q8_0.gguf',
      draftModelPath: '/Users/Shared/Models/Llama-3.2-3B-Instruct-Q4_K_M.gguf',
    })
  })

  it.each([
    [['llama-server', '--model', '/a.gguf'], { modelPath: '/a.gguf', draftModelPath: null }],
    [
      ['llama-server', '-m', '/a.gguf', '-m', '/b.gguf', '--spec-draft-model', '/d.gguf'],
      { modelPath: '/b.gguf', draftModelPath: '/d.gguf' },
    ],
    [['llama-server', '-hf', 'a/b'], null],
    [['llama-server', '-m'], null],
  ])('of %j reads %j', (argv, model) => {
    expect(readEngineModel(argv)).toEqual(model)
  })
})
