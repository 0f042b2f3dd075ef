// The seed's draft model: whether llama-server really drafts is what it says itself, not what it was asked for.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createNexus, type NexusUnderTest } from './nexus-command.ts'

let nexus: NexusUnderTest

beforeAll(async () => {
  const runtimeDir = process.env['NEXUS_RUNTIME']
  if (runtimeDir === undefined) throw new Error('NEXUS_RUNTIME is not set: run scripts/test e2e')
  const draftModelPath = join(runtimeDir, 'models', 'gemma-3-270m-q4_k_m.gguf')
  nexus = await createNexus({
    llamaServer: { draftModelPath, speculation: 'draft-simple', slots: 1, contextTokens: 2048 },
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
  })
})
