// Who is in which slot: told when it is sure, and only then.

import { describe, expect, it } from 'vitest'
import type { RouterRequest, Slot } from '../../contract/snapshot.ts'
import type { SlotTask } from '../engine/llama-slot-tracker.ts'
import { matchSlotOwners, refineRequests, tellOwners } from './slot-owners.ts'

const request = (id: string, developer: string, admittedAt: number | null, over = {}): RouterRequest => ({
  id,
  developer,
  phase: admittedAt === null ? 'waiting' : 'prefill',
  startedAt: 0,
  admittedAt,
  firstTokenAt: null,
  promptTokens: null,
  outputTokens: null,
  node: null,
  ...over,
})
const task = (slotId: number, taskId: number, promptTokens: number | null = null): SlotTask => ({
  slotId,
  taskId,
  promptTokens,
})
const owners = (
  tasks: readonly SlotTask[],
  requests: readonly RouterRequest[],
  { askedAt = 60_000, known = new Map<number, string>() } = {},
) => Object.fromEntries(matchSlotOwners({ askedAt, tasks }, requests, known))

describe('matchSlotOwners', () => {
  it('goes by the order in which they were let in, not by the slot', () => {
    const requests = [request('a', 'anna', 1_000), request('b', 'ben', 9_000), request('w', 'anna', null)]
    expect(owners([task(0, 30), task(3, 7)], requests)).toEqual({ 7: 'a', 30: 'b' })
  })

  it('says nothing when llama-server has more or fewer than the Router let in', () => {
    const requests = [request('a', 'anna', 1_000), request('b', 'ben', 9_000)]
    expect(owners([task(0, 7)], requests)).toEqual({})
    expect(owners([task(0, 7), task(1, 8), task(2, 9)], requests)).toEqual({})
  })

  it('leaves out what another Studio serves', () => {
    const requests = [request('a', 'anna', 1_000), request('far', 'ben', 9_000, { node: 'studio-2' })]
    expect(owners([task(0, 7)], requests)).toEqual({ 7: 'a' })
  })

  it('does not take a request that is still on its way for one that has just ended', () => {
    const requests = [request('b', 'ben', 59_500)]
    expect(owners([task(0, 7)], requests)).toEqual({})
    expect(owners([task(0, 7)], requests, { askedAt: 62_000 })).toEqual({ 7: 'b' })
  })

  it('doubts the order of two let in at the same moment, unless they are of one developer', () => {
    const close = [request('a', 'anna', 1_000), request('b', 'ben', 1_200), request('c', 'ben', 9_000)]
    expect(owners([task(0, 7), task(1, 8), task(2, 9)], close)).toEqual({ 9: 'c' })
    const same = [request('a', 'anna', 1_000), request('b', 'anna', 1_200)]
    expect(owners([task(0, 7), task(1, 8)], same)).toEqual({ 7: 'a', 8: 'b' })
  })

  it('tells those apart whose prompts are of different length', () => {
    const close = [
      request('a', 'anna', 1_000, { promptTokens: 500 }),
      request('b', 'ben', 1_001, { promptTokens: 90 }),
    ]
    expect(owners([task(0, 7, 90), task(1, 8, 500)], close)).toEqual({ 7: 'b', 8: 'a' })
    expect(owners([task(0, 7, 90), task(1, 8, null)], close)).toEqual({})
    expect(owners([task(0, 7, 90), task(1, 8, 90)], close)).toEqual({})
  })

  it('keeps what it knows while another comes or goes', () => {
    const known = new Map([
      [7, 'a'],
      [8, 'gone'],
    ])
    const requests = [request('a', 'anna', 1_000), request('new', 'ben', 59_999)]
    expect(owners([task(0, 7), task(1, 8)], requests, { known })).toEqual({ 7: 'a' })
    expect(owners([task(0, 7), task(1, 12)], requests, { known, askedAt: 70_000 })).toEqual({
      7: 'a',
      12: 'new',
    })
    expect(owners([task(1, 12)], requests, { known })).toEqual({})
  })
})

describe('what is shown', () => {
  const busy: Slot = {
    id: 0,
    phase: 'generating',
    contextTokens: 20,
    contextLimit: 8_192,
    promptTokens: 8,
    promptProcessed: 8,
    prefillProgress: null,
    generatedTokens: 12,
    tokensPerSecond: null,
    speculative: null,
    developer: null,
  }
  const slots: readonly Slot[] = [busy, { ...busy, id: 1, phase: 'idle' }]
  const requests = [request('a', 'anna', 1_000)]
  const known = new Map([[7, 'a']])

  it('names busy slots alone', () => {
    const named = tellOwners(slots, [task(0, 7)], requests, known, null)
    expect(named.map(({ developer }) => developer)).toEqual(['anna', null])
    expect(tellOwners(slots, [task(0, 8)], requests, known, null)[0]?.developer).toBeNull()
    expect(tellOwners(slots, [task(0, 7)], [], known, null)[0]?.developer).toBeNull()
  })

  it('is certain where the Router has pinned the request, and tells what an idle slot holds', () => {
    const pinned = [request('a', 'anna', 1_000, { slot: 0 }), request('b', 'ben', 59_999, { slot: 1 })]
    const held = [
      { id: 0, developer: 'anna', conversation: '4f1e02', named: true },
      { id: 1, developer: 'cleo', conversation: 'aa0103', named: false },
    ]
    const told = tellOwners(slots, [], pinned.slice(0, 1), new Map(), held)
    expect(told.map(({ developer }) => developer)).toEqual(['anna', null])
    expect(told.map((slot) => slot.held?.conversation)).toEqual(['4f1e02', 'aa0103'])
    expect(tellOwners(slots, [], pinned, new Map(), [])[1]?.held).toBeNull()
    expect(tellOwners(slots, [], pinned, new Map(), null)).toEqual(slots)
  })

  it('knows from the slot that an answer which comes whole is being written', () => {
    expect(refineRequests(slots, { askedAt: 0, tasks: [task(0, 7)] }, requests, known)).toMatchObject([
      { phase: 'generating', outputTokens: 12 },
    ])
    expect(refineRequests(slots, { askedAt: 0, tasks: [task(0, 7)] }, requests, new Map())).toEqual(requests)
  })

  describe('what was found in the cache, while the answer is written', () => {
    const [slot] = slots
    if (slot === undefined) throw new Error('there is a slot')
    // As b10434 tells a second turn of 1,145 tokens of which 907 were there.
    const told: Slot = { ...slot, phase: 'generating', promptTokens: 1_145, promptProcessed: 238 }
    const pinned = request('a', 'anna', 1_000, { phase: 'generating', firstTokenAt: 5_000, slot: 0 })
    const refine = (given: Slot, askedAt: number, over = {}) =>
      refineRequests([given], { askedAt, tasks: [] }, [{ ...pinned, ...over }], new Map())[0]

    it('is what its slot says, once the slot was asked after the first token', () => {
      expect(refine(told, 5_000)).toMatchObject({ cachedTokens: 907, readTokens: 238 })
      expect(refine(told, 4_999)).toEqual(pinned)
    })

    it('is not known before the first token, at another Studio, or where llama-server does not say', () => {
      for (const [given, over] of [
        [told, { phase: 'prefill', firstTokenAt: null }],
        [told, { node: 'two' }],
        [told, { slot: null }],
        [{ ...told, promptTokens: null }, {}],
        [{ ...told, phase: 'idle' }, {}],
      ] as const)
        expect(refine(given, 9_000, over)).toEqual({ ...pinned, ...over })
    })
  })
})
