// The fold: one state for the stack, and nothing old shown as live.
import { describe, expect, it } from 'vitest'
import type { Phase, Slot } from '../../contract/snapshot.ts'
import { sampleReadings, sampleSnapshot } from '../../contract/test-support/sample-snapshot.ts'
import { foldSnapshot, judgeOverall, type Readings } from './snapshot.ts'

const { services, proof } = sampleSnapshot

const phasesOf = (ramDisk: Phase, llamaServer: Phase, proxy: Phase) => ({
  ramDisk: { ...services.ramDisk, phase: ramDisk },
  llamaServer: { ...services.llamaServer, phase: llamaServer },
  proxy: { ...services.proxy, phase: proxy },
})

describe('judgeOverall', () => {
  it.each([
    ['ready', 'ready', 'ready', true, 'ready'],
    ['ready', 'ready', 'ready', false, 'starting'],
    ['ready', 'starting', 'ready', false, 'starting'],
    ['stopped', 'stopped', 'stopped', false, 'stopped'],
    ['ready', 'stopped', 'stopped', false, 'stopped'],
    ['ready', 'stopping', 'stopped', false, 'stopping'],
    ['ready', 'failed', 'stopped', false, 'failed'],
    ['failed', 'ready', 'ready', true, 'degraded'],
    ['ready', 'degraded', 'ready', true, 'degraded'],
    ['ready', 'ready', 'stopped', false, 'degraded'],
    ['stopped', 'ready', 'ready', true, 'degraded'],
    ['starting', 'ready', 'ready', true, 'degraded'],
    ['starting', 'ready', 'ready', false, 'starting'],
    ['starting', 'stopped', 'stopped', false, 'starting'],
    ['stopping', 'ready', 'ready', true, 'degraded'],
    ['stopping', 'stopped', 'stopped', false, 'stopping'],
    ['ready', 'ready', 'stopping', true, 'stopping'],
    ['ready', 'starting', 'ready', true, 'starting'],
  ] as const)(
    'forge %s, engine %s, router %s, proved %s: %s',
    (ramDisk, engine, router, proved, expected) => {
      const services = phasesOf(ramDisk, engine, router)
      const whole = { services, proof: proved ? proof : null, proofFailure: null }
      expect(judgeOverall(whole)).toBe(expected)
    },
  )

  it('is degraded when the message did not come back', () => {
    expect(judgeOverall({ services, proof: null, proofFailure: 'no answer' })).toBe('degraded')
  })

  it.each([
    ['ready', 'ready'],
    ['starting', 'ready'],
    ['stopped', 'ready'],
    ['degraded', 'degraded'],
    ['failed', 'degraded'],
    ['stopping', 'stopping'],
  ] as const)('with a gateway that is %s a ready stack is %s', (phase, expected) => {
    const gateway = { ...services.proxy, phase }
    expect(judgeOverall({ services: { ...services, gateway }, proof, proofFailure: null })).toBe(expected)
    const down = { ...phasesOf('ready', 'failed', 'stopped'), gateway }
    if (phase !== 'stopping')
      expect(judgeOverall({ services: down, proof: null, proofFailure: null })).toBe('failed')
  })
})

describe('foldSnapshot', () => {
  const slot: Slot = {
    id: 0,
    phase: 'generating',
    contextTokens: 30,
    contextLimit: 8192,
    promptTokens: 10,
    promptProcessed: 10,
    prefillProgress: null,
    generatedTokens: 20,
    tokensPerSecond: 12.5,
    speculative: true,
    developer: null,
  }
  const readings: Readings = {
    ...sampleReadings,
    memory: null,
    ramDisk: null,
    slots: { value: [slot], takenAt: 10_000 },
    queue: { value: { processing: 1, deferred: 0 }, takenAt: 10_000 },
    throughput: null,
    engineAskedAt: null,
  }

  it('shows what was read lately', () => {
    expect(foldSnapshot(readings, 12_000, 3_000)).toMatchObject({ slots: [slot], queue: { processing: 1 } })
  })

  it('does not show an old reading as live', () => {
    expect(foldSnapshot(readings, 13_001, 3_000)).toMatchObject({ slots: null, queue: null })
  })

  it('does not show a reading from the future as live: the clock was set back', () => {
    expect(foldSnapshot(readings, 9_000, 3_000)).toMatchObject({ slots: null, queue: null })
    expect(foldSnapshot({ ...readings, engineAskedAt: 8_500 }, 9_000, 3_000).slots).toBeNull()
  })

  it('shows the busy slots, without rates, while the next answer is due', () => {
    const asked = { ...readings, engineAskedAt: 11_000 }
    expect(foldSnapshot(asked, 30_000, 3_000)).toMatchObject({
      slots: [{ phase: 'generating', tokensPerSecond: null }],
      queue: { processing: 1 },
      throughput: null,
    })
    expect(foldSnapshot({ ...asked, engineAskedAt: 13_001 }, 30_000, 3_000).slots).toBeNull()
  })

  it('does not show the slots of a server that does not serve', () => {
    const stopped = { ...readings, services: phasesOf('ready', 'starting', 'ready') }
    expect(foldSnapshot(stopped, 10_000, 3_000).slots).toBeNull()
  })

  it('says that the engine does not draft, with the reason it logged at its start', () => {
    const said = 'draft model vocab type must match target model to use speculation'
    const speculation = { wanted: 'draft-simple', argv: ['llama-server', '-md', '/d.gguf'], said } as const
    const undrafted = { ...slot, speculative: false }
    const refused = { ...readings, speculation, slots: { value: [undrafted], takenAt: 10_000 } }
    expect(foldSnapshot(refused, 10_000, 3_000).speculationFailure).toBe(
      `It generates without drafts: ${said}.`,
    )
    expect(foldSnapshot({ ...readings, speculation }, 10_000, 3_000).speculationFailure).toBeUndefined()
  })
})
