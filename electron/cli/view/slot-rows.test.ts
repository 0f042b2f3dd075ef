import { expect, test } from 'vitest'
import type { RouterRequest, Slot, Snapshot } from '../../contract/snapshot.ts'
import { sampleSlot, sampleSnapshot } from '../../contract/test-support/sample-snapshot.ts'
import { describeBusy } from './slot-rows.ts'

const slot = (id: number, change: Partial<Slot> = {}): Slot => ({ ...sampleSlot, id, ...change })
const request = (id: string, phase: RouterRequest['phase']): RouterRequest => ({
  id,
  developer: 'anna',
  phase,
  startedAt: 1,
  admittedAt: phase === 'waiting' ? null : 2,
  firstTokenAt: null,
  promptTokens: null,
  outputTokens: null,
  node: null,
})
const say = (change: Partial<Snapshot>) => describeBusy({ ...sampleSnapshot, ...change }, 'nexus down --now')

test('no work in progress', () => {
  expect(say({ slots: [slot(0), slot(1)], requests: [] })).toBeNull()
})

test("each slot's work, its developer, and who waits", () => {
  const slots = [
    slot(0, { phase: 'generating', generatedTokens: 12, developer: 'ben' }),
    slot(1, { phase: 'prefill' }),
  ]
  expect(say({ slots, requests: [request('1', 'prefill'), request('2', 'waiting')] })).toBe(
    '2 busy for anna: slot 0 (ben) has written 12 tokens, slot 1 reads its prompt, and 1 more waits. They may finish; nexus down --now does not wait.',
  )
})

test('a request that the Router let through counts before llama-server reports its slot', () => {
  expect(say({ slots: [slot(0), slot(1)], requests: [request('1', 'prefill')] })).toBe(
    '1 busy for anna. They may finish; nexus down --now does not wait.',
  )
})

test('a server that reports no slots may be busy', () => {
  expect(say({ slots: null })).toContain('Running requests get some time to finish')
})
