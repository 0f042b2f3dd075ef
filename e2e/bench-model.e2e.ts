// `nexus bench model` on a running AI Engine: real numbers, and everything restored afterwards.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createPlatform } from '../electron/core/platform/detect-platform.ts'
import { createNexus, type NexusUnderTest } from './nexus-command.ts'

const Row = z.object({
  batchTokens: z.number(),
  prefillTokensPerSecond: z.number().positive(),
  generationTokensPerSecond: z.number().positive(),
  draftAcceptance: z.null(),
  besidePrefillTokensPerSecond: z.number(),
  keptShare: z.number(),
  longestPauseMs: z.number().positive(),
})
const Spread = z.object({
  median: z.number().positive(),
  lowest: z.number().positive(),
  highest: z.number().positive(),
  readings: z.literal(1),
})
const Report = z.object({
  rows: z.array(Row),
  kv: z.array(z.object({ type: z.string(), prefill: Spread, generation: Spread })),
  idleSlots: z.object({
    otherSlots: z.number(),
    heldTokens: z.number(),
    empty: Spread,
    held: Spread,
    keptShare: z.number().positive(),
  }),
  recommendation: z.object({ batchTokens: z.number(), because: z.string() }),
})
const { processes } = createPlatform({ ramDiskRoot: '/nonexistent' })
const small = ['--batches', '64,512', '--repeats', '1', '--prompt-tokens', '512', '--json']

let nexus: NexusUnderTest

const readEngine = async () => {
  const { services } = await nexus.until(({ slots }) => slots !== null, 60_000)
  const { pid, phase } = services.llamaServer
  return { phase, pid, argv: await processes.readArgv(pid ?? 0) }
}

beforeAll(async () => {
  nexus = await createNexus()
  const { code, stderr } = await nexus.run('up', '--profile', nexus.profilePath, '--only', 'llamaServer')
  expect(stderr).not.toContain('failed')
  expect(code).toBe(0)
})

afterAll(() => nexus.dispose())

describe('nexus bench model', () => {
  it('asks before it stops the running AI Engine', async () => {
    const before = await readEngine()
    const { code, stderr, stdout } = await nexus.run('bench', 'model', ...small)
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toEqual({ error: expect.stringContaining('nexus bench model --yes') })
    expect(stderr).toContain('nexus bench model --yes')
    expect((await readEngine()).pid).toBe(before.pid)
  })

  it('measures each size and type, recommends a size, and restarts the AI Engine as it was', async () => {
    const before = await readEngine()
    const files = readdirSync(nexus.home).toSorted()
    const { code, stdout, stderr } = await nexus.run('bench', 'model', '--yes', ...small)
    expect(stderr).toContain('-b 512')
    expect(code).toBe(0)
    const { rows, kv, idleSlots, recommendation } = Report.parse(JSON.parse(stdout))
    expect(rows.map(({ batchTokens }) => batchTokens)).toEqual([64, 512])
    expect([64, 512]).toContain(recommendation.batchTokens)
    expect(kv.map(({ type }) => type)).toEqual(['f16', 'q8_0', 'q4_0'])
    // 512 words or more in each of the others; a word of this model's is a token, or two.
    expect(idleSlots.heldTokens).toBeGreaterThanOrEqual(512 * idleSlots.otherSlots)
    const after = await readEngine()
    expect(after.phase).toBe('ready')
    expect(after.pid).not.toBe(before.pid)
    expect(after.argv).toEqual(before.argv)
    expect(readdirSync(join(nexus.home)).toSorted()).toEqual(files)
  })
})
