import { describe, expect, it } from 'vitest'
import { sampleSlot } from '../../contract/test-support/sample-snapshot.ts'
import { judgeBinary, judgeDrafts, judgeFlags } from './checks-on-engine.ts'

const mending = { install: 'nexus up', settingsFile: '/s/config.json' }
const plan = {
  binary: { path: '/opt/llama-server', source: 'path' },
  version: '1 (abc)',
  assumedBuild: null,
  seedArgv: [],
  argv: ['/opt/llama-server', '-m', '/m.gguf', '--port', '8080', '-c', '4096'],
  seedFlags: [],
  adaptations: [],
  warnings: [],
  problems: [],
} as const
const reading = (change: object) => ({ kind: 'plan', plan: { ...plan, ...change } }) as const
const unrunnable = (problem: string) => reading({ version: null, argv: null, problems: [problem] })

describe('judgeBinary', () => {
  it('names the binary', () => {
    expect(judgeBinary(reading({}), mending)).toMatchObject({
      level: 'ok',
      found: 'version 1 (abc), on PATH: /opt/llama-server',
    })
    expect(judgeBinary(reading({ version: null }), mending).level).toBe('unknown')
  })

  it('says how to install it', () => {
    expect(
      judgeBinary(reading({ binary: null, version: null, argv: null, problems: ['none'] }), mending),
    ).toMatchObject({
      level: 'fail',
      mend: 'nexus up',
    })
    expect(
      judgeBinary({ kind: 'failed', reason: 'configured as /x, which is not there' }, mending),
    ).toMatchObject({
      level: 'fail',
      mend: expect.stringContaining('/s/config.json'),
    })
  })

  it('knows the fix for a binary that does not run', () => {
    const library = '/opt/llama-server needs the library libgomp.so.1, which this machine does not have.'
    expect(judgeBinary(unrunnable(library), mending)).toMatchObject({
      level: 'fail',
      mend: 'sudo apt-get install libgomp1',
    })
    const mode = "/opt/llama-server is not executable. Mend it with: chmod +x '/opt/llama-server'"
    expect(judgeBinary(unrunnable(mode), mending).mend).toBe("chmod +x '/opt/llama-server'")
    expect(judgeBinary(unrunnable('it was ended by SIGILL.'), mending).mend).toBe('nexus up')
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
  it('counts the flags of a plan without remarks', () => {
    expect(judgeFlags(reading({}))).toMatchObject({ level: 'ok', found: expect.stringMatching(/^3 flags/) })
  })

  it("warns of the plan's warnings and of flags this build lacks", () => {
    const lacking = [{ flag: '-kvu', seed: null, ours: null, reason: 'x', isLacking: true as const }]
    expect(judgeFlags(reading({ warnings: ['8,192 tokens each'] }))).toMatchObject({
      level: 'warn',
      found: expect.stringContaining('8,192 tokens each'),
    })
    expect(judgeFlags(reading({ adaptations: lacking }))).toMatchObject({
      level: 'warn',
      found: expect.stringContaining('-kvu'),
    })
  })

  it('fails without a command line, and is unknown without a program', () => {
    expect(judgeFlags(reading({ argv: null, problems: ['no --port'] })).level).toBe('fail')
    expect(judgeFlags(reading({ argv: null, binary: null, version: null })).level).toBe('unknown')
    expect(judgeFlags({ kind: 'failed', reason: 'x' }).level).toBe('unknown')
  })
})
