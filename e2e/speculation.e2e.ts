// The seed's draft model: llama-server itself reports whether it really drafts, whatever it was asked to do.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DoctorAnswerSchema } from '../electron/contract/question.ts'
import { createNexus, type NexusUnderTest } from './nexus-command.ts'

const demoModel = (): string => {
  const runtimeDir = process.env['NEXUS_RUNTIME']
  if (runtimeDir === undefined) throw new Error('NEXUS_RUNTIME is not set: run scripts/test e2e')
  return join(runtimeDir, 'models', 'SmolLM2-135M-Instruct.Q4_1.gguf')
}

let nexus: NexusUnderTest

beforeAll(async () => {
  nexus = await createNexus({
    llamaServer: { draftModelPath: demoModel(), speculation: 'draft-simple', slots: 1, contextTokens: 2048 },
  })
})

afterAll(() => nexus.dispose())

describe('a draft model with --spec-type draft-simple', () => {
  it('drafts, and the snapshot says so with the acceptance', async () => {
    const { code, stdout } = await nexus.run('up', '--profile', nexus.profilePath, '--only', 'llamaServer')
    expect(stdout).toContain(`http://127.0.0.1:${nexus.enginePort}`)
    expect(code).toBe(0)
    const before = await nexus.until(({ slots }) => slots !== null, 30_000)
    expect(before.slots?.map(({ speculative }) => speculative)).toEqual([true])
    expect(before.throughput?.draftAcceptance).toBeNull()

    const key = readFileSync(join(nexus.home, 'keys', 'engine.key'), 'utf8').trim()
    const response = await fetch(`http://127.0.0.1:${nexus.enginePort}/v1/messages`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        model: 'any',
        max_tokens: 24,
        temperature: 0,
        messages: [{ role: 'user', content: 'Count from one to a thousand in words.' }],
      }),
    })
    expect(response.status).toBe(200)
    const after = await nexus.until(
      ({ throughput }) => (throughput?.draftAcceptance ?? null) !== null,
      30_000,
    )
    expect(after.throughput?.draftAcceptance).toBeGreaterThan(0)
    expect(after.overall).toBe('degraded')
    expect(after.speculationFailure).toBeUndefined()
  })
})

describe('a draft with another vocabulary', () => {
  let refusing: NexusUnderTest
  let folder: string
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'nexus-draft-'))
    const draftModelPath = join(folder, 'other-vocabulary.gguf')
    writeOtherVocabulary(demoModel(), draftModelPath)
    refusing = await createNexus({
      llamaServer: { draftModelPath, speculation: 'draft-simple', slots: 1, contextTokens: 2048 },
    })
  })
  afterAll(async () => {
    await refusing.dispose()
    rmSync(folder, { recursive: true })
  })

  it('is loaded and not used: snapshot, status and doctor say so with the reason of its log', async () => {
    const up = await refusing.run('up', '--profile', refusing.profilePath, '--only', 'llamaServer')
    expect(up.code).toBe(0)
    const reason =
      'It generates without drafts: draft model vocab type must match target model to use speculation.'
    const { slots } = await refusing.until(
      ({ speculationFailure, slots: now }) => speculationFailure === reason && now !== null,
      30_000,
    )
    expect(slots?.map(({ speculative }) => speculative)).toEqual([false])
    expect((await refusing.run('status')).stdout.replaceAll(/\s+/g, ' ')).toContain(reason)
    const doctor = await refusing.run('doctor', '--json', '--profile', refusing.profilePath)
    const checks = DoctorAnswerSchema.shape.checks.parse(JSON.parse(doctor.stdout).checks)
    expect(checks.find(({ id }) => id === 'engine.drafts')).toMatchObject({ level: 'warn', found: reason })
  })
})

/** The same model but for one token's text, which is all that llama-server compares. */
const writeOtherVocabulary = (from: string, to: string): void => {
  const bytes = readFileSync(from)
  const at = bytes.indexOf('<jupyter_start>')
  if (at === -1) throw new Error(`${from} has no token <jupyter_start>`)
  bytes.write('<jupyter_starQ>', at)
  writeFileSync(to, bytes)
}
