import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sampleSlot } from '../../contract/test-support/sample-snapshot.ts'
import { readGgufHeader, readHeaderOrReason } from '../gguf/gguf-header.ts'
import { makeGguf } from '../gguf/test-support/made-gguf.ts'
import { judgeBinary, judgeDrafts, judgeFlags, judgeModel } from './checks-on-engine.ts'

const plan = {
  binary: { path: '/opt/llama-server', source: 'path' },
  version: '1 (abc)',
  problems: [],
} as const
const judge = (change: object) => judgeBinary({ ...plan, ...change }, 'nexus up')
const judgeUnrunnable = (problem: string) => judge({ version: null, problems: [problem] })

describe('judgeBinary', () => {
  it('names the binary', () => {
    expect(judge({})).toMatchObject({ level: 'ok', found: 'version 1 (abc), on PATH: /opt/llama-server' })
    expect(judge({ version: null }).level).toBe('unknown')
  })

  it('says how to install it', () => {
    expect(judge({ binary: null, version: null, problems: ['none'] })).toMatchObject({
      level: 'fail',
      mend: 'nexus up',
    })
  })

  it('does not have a program installed again that runs, but not with this profile', () => {
    expect(judge({ problems: ['no --port'] })).toMatchObject({
      level: 'fail',
      found: 'no --port',
      mend: 'nexus plan',
    })
  })

  it('knows the fix for a binary that does not run', () => {
    const library = '/opt/llama-server needs the library libgomp.so.1, which this machine does not have.'
    expect(judgeUnrunnable(library)).toMatchObject({ level: 'fail', mend: 'sudo apt-get install libgomp1' })
    const mode = "/opt/llama-server is not executable. Mend it with: chmod +x '/opt/llama-server'"
    expect(judgeUnrunnable(mode).mend).toBe("chmod +x '/opt/llama-server'")
    expect(judgeUnrunnable('it was ended by SIGILL.').mend).toBe('nexus up')
  })
})

describe('judgeDrafts', () => {
  const speculationFailure = 'It generates without drafts: made up.'
  it('says why a running engine does not draft, and which setting fixes it', () => {
    expect(
      judgeDrafts({ slots: null, speculationFailure }, 'profiles.p.llamaServer.speculation in /c.json'),
    ).toMatchObject({
      level: 'warn',
      found: speculationFailure,
      mend: expect.stringMatching(/^Set profiles\.p\.llamaServer\.speculation in \/c\.json to "ngram-mod"/),
    })
  })

  it('passes a drafting engine, and does not judge one that need not draft', () => {
    expect(judgeDrafts({ slots: [{ ...sampleSlot, speculative: true }] }, 'p')?.level).toBe('ok')
    expect(judgeDrafts({ slots: [{ ...sampleSlot, speculative: false }] }, 'p')).toBeNull()
    expect(judgeDrafts({ slots: null }, 'p')).toBeNull()
  })
})

describe('judgeFlags', () => {
  const flags = { argv: ['llama-server', '-m', '/m.gguf'], adaptations: [], warnings: [] }

  it('passes a plan without remarks, and leaves one without a command line to engine.binary', () => {
    expect(judgeFlags(flags)).toMatchObject({ level: 'ok' })
    expect(judgeFlags({ ...flags, argv: null })).toBeNull()
  })

  it("warns of the plan's warnings and of flags this build lacks", () => {
    const lacking = [{ flag: '-kvu', seed: null, ours: null, reason: 'x', isLacking: true as const }]
    expect(judgeFlags({ ...flags, adaptations: lacking, warnings: ['8,192 tokens each'] })).toMatchObject({
      level: 'warn',
      found: 'This build lacks -kvu. 8,192 tokens each',
      mend: 'nexus plan',
    })
  })
})

describe('model files', () => {
  let dir = ''
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'nexus-doctor-models-'))
  })
  afterEach(() => rmSync(dir, { recursive: true, force: true }))

  const make = (): string => {
    const path = join(dir, 'm.gguf')
    const pairs = [['general.architecture', { type: 'text', value: 'llama' }]] as const
    const tensors = [{ name: 'token_embd.weight', lengths: [32, 4], typeNumber: 0, dataOffset: 0 }]
    writeFileSync(path, makeGguf({ pairs, tensors, dataBytes: 512 }))
    return path
  }
  const judge = async (path: string, fetch: string | null = null) =>
    judgeModel(await readHeaderOrReason(path), {
      path,
      fetch,
      setting: 'llamaServer.modelPath of /s/config.json',
    })

  describe('judgeModel', () => {
    it('passes a complete file', async () => {
      expect(await judge(make())).toMatchObject({ level: 'ok', found: expect.stringContaining('complete') })
    })

    it('fails a truncated file, with the missing bytes', async () => {
      const path = make()
      truncateSync(path, (await readGgufHeader(path)).fileBytes - 100)
      expect(await judge(path)).toMatchObject({
        level: 'fail',
        found: expect.stringContaining('lacks 100 bytes'),
        mend: expect.stringContaining('curl -C -'),
      })
      expect((await judge(path, 'nexus up')).mend).toBe('nexus up')
    })

    it('fails a header without weights', async () => {
      const path = make()
      truncateSync(path, (await readGgufHeader(path)).fileBytes - 512)
      expect((await judge(path)).found).toContain('only a header')
    })

    it('fails a missing file, and a file that is not a model', async () => {
      expect(await judge(join(dir, 'none.gguf'))).toMatchObject({
        level: 'fail',
        found: expect.stringContaining('no such file'),
        mend: expect.stringContaining('/s/config.json'),
      })
      writeFileSync(join(dir, 'page.gguf'), '<!doctype html><title>404</title>')
      expect((await judge(join(dir, 'page.gguf'))).level).toBe('fail')
    })

    it('fails an unreadable file, with the command', () => {
      const reading = { kind: 'failed', reason: '/m.gguf: this user may not read it' } as const
      expect(judgeModel(reading, { path: '/m.gguf', fetch: null, setting: 'x' }).mend).toBe(
        'chmod a+r /m.gguf',
      )
    })
  })
})
