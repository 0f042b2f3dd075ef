// Paths that a person may name that are no files: pipes, devices, sockets, folders, and places where nothing can be created.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeFolders, readRegularFile } from '../core/base/regular-file.ts'
import { readConfig } from '../core/config/config.ts'
import { ensureStateFolder, locateStateFolder } from '../core/config/state-folder.ts'
import { readLastLines } from '../core/logs/log-follow.ts'
import { openLedger } from '../core/supervise/ledger.ts'
import { runAgentsFile } from './commands/agents-file.ts'
import { runClientsTest } from './commands/clients-test.ts'
import { runPlan } from './commands/plan.ts'
import { runTraefik } from './commands/traefik.ts'
import { createTestContext } from './test-support/core.ts'

let dir: string
let server: Server
const at = (name: string) => join(dir, name)

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'nexus-kinds-'))
  execFileSync('mkfifo', [at('fifo')])
  mkdirSync(at('folder'))
  symlinkSync('/dev/null', at('link-to-device'))
  writeFileSync(at('file'), 'text')
  symlinkSync(at('file'), at('link'))
  server = createServer()
  await new Promise<void>((resolve) => server.listen(at('socket'), resolve))
})

afterAll(() => {
  server.close()
  rmSync(dir, { recursive: true, force: true })
})

const kinds = [
  ['fifo', 'a named pipe'],
  ['folder', 'a folder'],
  ['socket', 'a socket'],
  ['link-to-device', 'a device'],
] as const

describe.each(kinds)('%s', (name, kind) => {
  const refusal = `is ${kind}; allowed: a regular file`

  it('is refused with a reason by every command', async () => {
    const { context } = createTestContext()
    const path = at(name)
    expect(() => readRegularFile(path)).toThrow(`${path} ${refusal}`)
    expect(() => readConfig(path, at('good.json'))).toThrow(refusal)
    expect(() => openLedger(path)).toThrow(refusal)
    const plan = { name: 'plan', model: null, draft: null, memoryGb: 64, json: false } as const
    await expect(runPlan({ ...plan, profile: path }, context)).rejects.toThrow(refusal)
    const agents = { name: 'agents-file', path, check: false } as const
    await expect(runAgentsFile(agents, context)).rejects.toThrow(refusal)
    const test = {
      name: 'clients',
      developer: null,
      test: true,
      url: 'http://127.0.0.1:9',
      json: true,
    } as const
    await expect(
      runClientsTest({ ...test, apply: null, force: false, keyFile: path }, context),
    ).rejects.toThrow(`--key-file: ${path} ${refusal}`)
  })

  it('is unchanged afterwards', () => {
    const before = {
      'a named pipe': 'isFIFO',
      'a folder': 'isDirectory',
      'a socket': 'isSocket',
      'a device': 'isCharacterDevice',
    } as const
    expect(statSync(at(name))[before[kind]]()).toBe(true)
  })
})

it('reads a file, through a link too, up to its limit', () => {
  expect(readRegularFile(at('link'))).toBe('text')
  expect(readRegularFile(at('link'), 4)).toBe('text')
  expect(() => readRegularFile(at('file'), 3)).toThrow('is longer than 3 bytes')
})

it('does not wait for a pipe in place of a log', async () => {
  expect(await readLastLines(at('fifo'), 5)).toEqual([])
})

// Node's own mkdir -p never returns there.
it.skipIf(!existsSync('/proc/self'))('ends below /proc, where nothing can be made', async () => {
  const { context } = createTestContext()
  expect(() => makeFolders('/proc/nexus-no-such/dynamic')).toThrow('ENOENT')
  const traefik = { name: 'traefik', dir: '/proc/nexus-no-such', listen: ':80' } as const
  await expect(runTraefik(traefik, context)).rejects.toThrow('ENOENT')
  const folder = locateStateFolder({ NEXUS_HOME: '/proc/nexus-no-such/home' }, 'linux', dir)
  expect(() => ensureStateFolder(folder)).toThrow('ENOENT')
})

it('creates nested folders with their mode, and names what is in the way', () => {
  makeFolders(at('a/b/c'), 0o700)
  makeFolders(at('a/b/c'), 0o700)
  expect(statSync(at('a/b')).mode & 0o777).toBe(0o700)
  expect(() => makeFolders(join(at('file'), 'below'))).toThrow(`${at('file')} is a file; allowed: a folder`)
  expect(() => makeFolders(at('fifo'))).toThrow('is a named pipe; allowed: a folder')
})
